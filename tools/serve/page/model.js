// Model: how it was made, what its kernels cost, where memory goes.

// What was made

const kStages = {
  import: () => `The checkpoint’s architecture, ${model.architecture}, as a program on tensors: ${number(model.parameters)} parameters in ${number(model.tensors)} tensors, which stay as they lie on disk.`,
  fuse: () => `Norms, activations, rope, residuals and the cache become parts of the products beside them: ${number(model.program.dispatches)} kernels run for a token, ${number(model.layer.length)} of them in each layer.`,
  plan: () => `Every value gets its place, no two that live at the same time in the same: ${scaled(model.memory.arena_bytes_per_token, "B")} a token.`,
  kernels: () => `Loops for each kind of machine: ${number(model.program.kernels)} different kernels, ${number(model.program.variants)} with their forms for few and for many tokens.`,
  llvm: () => `Machine code for ${model.program.codes.join(", ")}.`,
  package: () => `One file of ${scaled(model.program.bytes, "B")}, format ${model.program.format}, by ${model.program.compiler}.`,
};

function showFacts() {
  const threads = model.program.threads;
  const facts = [
    ["Architecture", model.architecture], ["Parameters", number(model.parameters)],
    ["Layers", `${number(model.layers)} of ${number(model.hidden)} features`], ["Vocabulary", `${number(model.vocabulary)} tokens`],
    ["Context", `${number(model.context)} tokens`],
    ["Runs", `${model.program.target}${threads ? `, ${threads} ${threads === 1 ? "thread" : "threads"}` : ""}`],
  ];
  $("model-facts").replaceChildren(...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
  $("stages").replaceChildren(...Object.entries(kStages).map(([name, text]) => make("li", {}, make("b", {}, name), make("span", {}, text()))));
}

// Kernels

/** What a module is for, by the end of its name. */
const kPurposes = {
  rotary_emb: "angles of the positions", qkv_proj: "queries, keys and values", q_proj: "queries, keys and values", self_attn: "attention", attention: "attention", o_proj: "output of attention",
  up_proj: "into the wide layer", down_proj: "back from the wide layer", embed_tokens: "tokens to features",
  lm_head: "features to logits", norm: "norm",
};

const shortName = name => name.replace(/^(model\.)?layers\.\d+\./, "").replace(/^model\./, "");
const purposeOf = name => kPurposes[name.split(".").findLast(part => part in kPurposes)] ?? "";

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

const sumOf = (costs, name) => costs.reduce((sum, cost) => sum + cost[name], 0);

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
    make("td", {class: "nowrap"}, cost.by), make("td", {class: "number"}, isNaN(cost.floor) ? "–" : duration(cost.floor)),
    make("td", {}, levelOf(cost.floor / total)));
}

/** The kernels together, `times` over. */
function sumRow(title, note, costs, times, total) {
  const sum = {bytes: times * sumOf(costs, "bytes"), flops: times * sumOf(costs, "flops"), floor: times * sumOf(costs, "floor"), by: ""};
  return costRow(title, note, sum, total);
}

function showKernels() {
  if (!$("step").checkValidity()) return;
  const texts = Number($("texts").value), length = Number($("length").value);
  const layer = costsOf(model.layer, texts, length), outside = costsOf(model.outside, texts, length);
  const floor = model.layers * sumOf(layer, "floor") + sumOf(outside, "floor");
  $("kernels").replaceChildren(...layer.map(cost => costRow(purposeOf(cost.kernel.name) || shortName(cost.kernel.name),
    shortName(cost.kernel.name), cost, floor / model.layers)));
  $("kernels-sum").replaceChildren(sumRow("A layer", "", layer, 1, floor), sumRow(`All ${number(model.layers)} layers`, "", layer, model.layers, floor),
    ...outside.map(cost => costRow(purposeOf(cost.kernel.name) || shortName(cost.kernel.name), shortName(cost.kernel.name), cost, floor)));
  say("floor-text", isNaN(floor) ? "Times are shown once the machine’s ceilings are measured, which is when the server has nothing to do."
    : `Such a step takes ${duration(floor)} at least: ${short(texts / floor)} tokens a second at most, by ${scaled(model.ceilings.read, "B")} a second`
      + `${model.ceilings.flops ? ` and ${scaled(model.ceilings.flops, "FLOP")} a second` : ""}, as measured on this machine.`);
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
  $("memory").replaceChildren(...parts.map(([kind, name, bytes, text]) => make("tr", {},
    make("th", {scope: "row", class: "nowrap"}, make("i", {class: `swatch of-${kind}`, "aria-hidden": "true"}), name),
    make("td", {class: "number"}, scaled(bytes, "B")), make("td", {}, text))));
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
  say("kernels-text", `Each layer runs ${number(model.layer.length)} kernels for every step, in this order.`);
  showKernels();
  showMemory();
  if (!model.ceilings && !$("model").hidden) setTimeout(showModel, 1000); // it is being measured
}

views.model = showModel;

showView();
pollAlways();
