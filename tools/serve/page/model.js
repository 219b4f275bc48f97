// Model: how it was made, what its kernels cost, where memory goes.

// What was made

const kStages = {
  import: () => `${number(model.parameters)} parameters in ${number(model.tensors)} tensors, which stay as they lie on disk.`,
  fuse: () => `Small steps become parts of large ones: ${number(model.layer.length)} kernels a layer, ${number(model.program.dispatches)} in all.`,
  plan: () => `Every value gets its place in memory, ${scaled(model.memory.arena_bytes_per_token, "B")} for each token of a step.`,
  kernels: () => `${number(model.program.kernels)} different kernels, in ${number(model.program.variants)} forms for few and for many tokens.`,
  llvm: () => `Machine code for ${model.program.codes.join(", ")}.`,
  package: () => `One file of ${scaled(model.program.bytes, "B")}, format ${model.program.format}, by ${model.program.compiler}.`,
};

function showFacts() {
  const threads = model.program.threads;
  const facts = [
    ["Architecture", model.architecture], ["Parameters", number(model.parameters)],
    ["Layers", `${number(model.layers)} of ${number(model.hidden)} features`], ["Vocabulary", `${number(model.vocabulary)} tokens`],
    ["Context", `${number(model.context)} tokens`],
    ["Runs as", `${model.program.target}${threads ? ` on ${threads} ${threads === 1 ? "thread" : "threads"}` : ""}`],
  ];
  $("model-facts").replaceChildren(...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
  $("stages").replaceChildren(...Object.entries(kStages).map(([name, text]) => make("li", {}, make("b", {}, name), make("span", {}, text()))));
}

// Kernels

/** What a module is for, by the end of its name. */
const kPurposes = {
  rotary_emb: "Angles of positions", embed_tokens: "Tokens to features", qkv_proj: "Queries, keys and values",
  self_attn: "Attention", o_proj: "Attention’s output", up_proj: "Into the wide layer", down_proj: "Out of the wide layer",
  lm_head: "Features to logits",
};

const shortName = name => name.replace(/^(model\.)?layers\.\d+\./, "").replace(/^model\./, "");
const purposeOf = name => kPurposes[name.split(".").findLast(part => part in kPurposes)] ?? "";

/** A kernel in words, with its name in the model beside them. */
function kernelRow(cost, total) {
  const name = shortName(cost.kernel.name), purpose = purposeOf(cost.kernel.name);
  return costRow(purpose || name, purpose && name, cost, total);
}

/** What a kernel has to move and compute for a token of each of `texts` texts, as the package's formulas have it. */
function workOf(kernel, texts, length) {
  const rows = kernel.axis === "one" ? 1 : texts, context = texts * (length + 1);
  return {
    bytes: kernel.fixed_bytes + kernel.row_bytes * rows + kernel.context_bytes * context,
    flops: kernel.row_flops * rows + kernel.context_flops * context,
  };
}

/** Seconds at least, and which ceiling it is that decides. */
function boundOf({bytes, flops}, ceilings) {
  const floor = floorOf(bytes, flops, ceilings);
  return {floor, by: isNaN(floor) ? "–" : floor > bytes / ceilings.read ? "arithmetic" : "memory"};
}

function costsOf(kernels, texts, length) {
  return kernels.map(kernel => {
    const work = workOf(kernel, texts, length);
    return {kernel, ...work, ...boundOf(work, model.ceilings)};
  });
}

function levelOf(share) {
  if (isNaN(share)) return "–";
  const filled = make("b");
  filled.style.width = `${100 * share}%`;
  return make("div", {class: "level"}, make("i", {"aria-hidden": "true"}, filled), make("span", {}, percent(share)));
}

function costRow(title, note, cost, total) {
  const name = make("th", {scope: "row"}, title);
  if (note) name.append(make("small", {}, note));
  return make("tr", {}, name, make("td", {class: "number"}, scaled(cost.bytes, "B")), make("td", {class: "number"}, scaled(cost.flops, "")),
    make("td", {class: "nowrap"}, cost.by ?? ""), make("td", {class: "number"}, isNaN(cost.floor) ? "–" : duration(cost.floor)),
    make("td", {}, levelOf(cost.floor / total)));
}

/** What they are together, `times` over. */
const sumOf = (costs, times = 1) => Object.fromEntries(["bytes", "flops", "floor"]
  .map(name => [name, times * costs.reduce((sum, cost) => sum + cost[name], 0)]));

function showKernels() {
  if (!$("step").checkValidity()) return;
  const texts = Number($("texts").value), length = Number($("length").value);
  const layer = costsOf(model.layer, texts, length), outside = costsOf(model.outside, texts, length);
  const ofLayer = sumOf(layer), ofLayers = sumOf(layer, model.layers), whole = sumOf([ofLayers, ...outside]);
  $("kernels").replaceChildren(...layer.map(cost => kernelRow(cost, ofLayer.floor)));
  $("kernels-sum").replaceChildren(costRow("A layer", "", ofLayer, ofLayer.floor));
  $("parts").replaceChildren(costRow(`All ${number(model.layers)} layers`, "", ofLayers, whole.floor),
    ...outside.map(cost => kernelRow(cost, whole.floor)));
  $("parts-sum").replaceChildren(costRow("A step", "", whole, whole.floor));
  showFloor(texts, whole.floor);
}

function showFloor(texts, floor) {
  if (isNaN(floor)) return say("floor-text", "Times are shown once the machine’s ceilings are measured, which is when the server has nothing to do.");
  const {read, flops} = model.ceilings, products = flops ? ` and computes ${scaled(flops, "FLOP")}` : "";
  say("floor-text", `Such a step takes ${duration(floor)} at least, which is ${short(texts / floor)} tokens a second: `
    + `this machine reads ${scaled(read, "B")}${products} a second, as measured.`);
}
$("step").addEventListener("input", showKernels);
$("step").addEventListener("submit", event => event.preventDefault());

// Memory

function showMemory() {
  const plan = model.memory;
  const parts = [
    ["weights", "Weights", plan.weight_bytes, "Mapped from the checkpoint’s files and used as they lie there."],
    ["cache", "Keys and values", plan.cache_bytes,
      `${number(plan.pages)} pages of ${scaled(plan.page_bytes, "B")}, each of ${plan.page_tokens} tokens in all layers.`],
    ["arena", "Values of a step", plan.arena_bytes,
      `${scaled(plan.arena_bytes_per_token, "B")} a token, for a step of ${number(plan.step_tokens)} tokens.`],
  ];
  $("memory-bar").replaceChildren(...parts.map(([kind, , bytes]) => {
    const part = make("i", {class: `of-${kind}`});
    part.style.flexGrow = bytes;
    return part;
  }));
  const all = parts.reduce((sum, [, , bytes]) => sum + bytes, 0);
  $("memory").replaceChildren(...parts.map(([kind, name, bytes, text]) => make("tr", {},
    make("th", {scope: "row"}, make("i", {class: `swatch of-${kind}`, "aria-hidden": "true"}), name, make("small", {}, text)),
    make("td", {class: "number"}, scaled(bytes, "B")), make("td", {class: "number"}, percent(bytes / all)))));
}

async function showModel() {
  try {
    await askForModel();
    $("model-notice").hidden = true;
  } catch (error) {
    $("model-notice").hidden = false;
    return say("model-notice", error.message);
  }
  showFacts();
  showKernels();
  showMemory();
  if (!model.ceilings && !$("model").hidden) setTimeout(showModel, 1000); // it is being measured
}

views.model = showModel;

showView();
pollAlways();
