//===- Drafts.cpp - where guesses come from: --drafts ---------------------===//

#include "tools/command_line/Drafts.h"

#include "runtime/base/Status.h"
#include "runtime/drafts/ModelDrafter.h"
#include "runtime/drafts/NgramDrafter.h"
#include "tools/command_line/Devices.h"

#include <utility>

namespace strata {

Option draftsOption(std::string &drafts) {
  return {"drafts", "SOURCE",
          "guess tokens and judge several in one step: ngram, from where the text said the same "
          "before, or the package of a smaller model with the same tokenizer; default off",
          setText(drafts)};
}

absl::StatusOr<std::unique_ptr<DraftSource>> loadDrafts(const std::string &drafts,
                                                        const Package &target,
                                                        const EngineOptions &engine,
                                                        bool randomWeights) {
  auto source = std::make_unique<DraftSource>();
  source->ngrams = drafts == "ngram";
  if (source->ngrams || drafts == "off")
    return source;
  auto package = openPackage(drafts, engine.device);
  if (!package.ok())
    return annotate(package.status(), "--drafts: expected off, ngram or a package");
  const uint32_t wanted = target.model().vocabulary(), found = package->model().vocabulary();
  if (found != wanted)
    return absl::InvalidArgumentError(absl::StrCat("--drafts: ", drafts, ": expected a model of ",
                                                   wanted, " tokens, found ", found));
  source->package.emplace(*std::move(package));
  STRATA_ASSIGN(source->weights, randomWeights ? Weights::random(*source->package, 1)
                                               : Weights::fromPackage(*source->package));
  return source;
}

absl::StatusOr<std::unique_ptr<Drafter>> openDrafter(const DraftSource &source,
                                                     const EngineOptions &engine) {
  if (source.ngrams)
    return std::make_unique<NgramDrafter>();
  if (!source.package)
    return nullptr;
  EngineOptions own = engine;
  own.target.clear();         // the package may have been compiled for other machines
  own.batchInvariant = false; // guesses may be rounded in any order
  STRATA_ASSIGN(auto opened, openEngine(*source.package, *source.weights, own));
  return std::make_unique<ModelDrafter>(std::move(opened));
}

} // namespace strata
