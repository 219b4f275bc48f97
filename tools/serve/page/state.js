// State: what the server does, asked for every second while the page is seen.

const kSeconds = 120; // of history

let history = []; // {at, rate, ceiling}: tokens a second; ceiling is null where nothing was computed
let last = null;  // what /state said before

/** Where the hardware's floor would have been for the work between two answers: seconds; NaN: not known. */
function floorOf(bytes, flops, ceilings) {
  if (!ceilings?.read) return NaN;
  return Math.max(bytes / ceilings.read, ceilings.flops ? flops / ceilings.flops : 0);
}

/** What went on between two answers of the server. */
function ratesBetween(before, now) {
  const seconds = now.seconds - before.seconds, since = name => now[name] - before[name];
  const tokens = since("generated_tokens"), busy = since("step_seconds");
  const floor = floorOf(since("step_bytes"), since("step_flops"), now.ceilings);
  return {
    rate: tokens / seconds, prompts: since("prompt_tokens") / seconds,
    ceiling: floor > 0 && tokens > 0 ? tokens / floor : null, share: busy > 0 ? floor / busy : NaN,
  };
}

function showState(now) {
  say("state-running", number(now.running));
  say("state-most", `of at most ${number(now.most_running)}`);
  say("state-waiting", number(now.waiting));
  say("state-pages", number(now.pages - now.free_pages));
  say("state-free", `of ${number(now.pages)}, each of ${now.page_tokens} tokens`);
  const prompts = now.prompt_tokens + now.cached_tokens;
  say("state-cached", prompts > 0 ? percent(now.cached_tokens / prompts) : "–");
  say("state-hits", `${number(now.cached_tokens)} of ${number(prompts)} tokens`);
}

const rateText = rate => rate === null ? "–" : short(rate);

function showRates({rate, prompts, ceiling, share}) {
  say("state-rate", rateText(rate));
  say("state-ceiling", rateText(ceiling));
  say("state-share", isNaN(share) ? "–" : percent(share));
  say("state-prompts", `${rateText(prompts)}`);
}

function showCeilings(ceilings) {
  if (!ceilings) return say("ceiling-text", "The ceiling is measured as soon as the server has nothing to do.");
  if (!ceilings.read) return say("ceiling-text", "This device has no ceiling that could be measured.");
  const products = ceilings.flops ? ` and ${scaled(ceilings.flops, "FLOP")} a second of ${ceilings.instruction}` : "";
  say("ceiling-text", `The ceiling is what a mere read of the same bytes would allow: ${scaled(ceilings.read, "B")} a second${products}, `
    + "the best that was measured on this machine while the server had nothing to do. The share counts only the time in which the server computes.");
}

// The graph: 600 by 160, now at its right, four steps of the scale high

/** The least of 1, 2, 5, 10, 20 ... that is large enough. */
function roundStep(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map(factor => factor * power).find(step => step >= value);
}

function pointOf({at}, value, most) {
  return `${(600 - (history.at(-1).at - at) / kSeconds * 600).toFixed(1)} ${(160 - 160 * value / most).toFixed(1)}`;
}

/** Lines, broken where there is no ceiling. */
function ceilingPath(most) {
  return history.map((point, i) => point.ceiling === null ? ""
    : (i > 0 && history[i - 1].ceiling !== null ? "L" : "M") + pointOf(point, point.ceiling, most)).join("");
}

function showGraph() {
  const rates = history.map(point => point.rate);
  const step = roundStep(Math.max(1, ...rates, ...history.map(point => point.ceiling ?? 0)) / 4), most = 4 * step;
  for (const line of [1, 2, 3]) say(`graph-${line}`, short(line * step));
  const line = history.map(point => pointOf(point, point.rate, most));
  $("graph-rate").setAttribute("d", `M${line.join("L")}`);
  $("graph-area").setAttribute("d", `M${line[0].split(" ")[0]} 160L${line.join("L")}L600 160Z`);
  $("graph-ceiling").setAttribute("d", ceilingPath(most));
  const seconds = Math.max(1, Math.round(history.at(-1).at - history[0].at)), mean = rates.reduce((a, b) => a + b, 0) / rates.length;
  say("graph-text", `${seconds === 1 ? "The last second" : `The last ${number(seconds)} seconds`}: `
    + `${short(mean)} tokens a second on average, ${short(Math.max(...rates))} at most.`);
}

function noteState(now) {
  if (last && now.seconds > last.seconds && now.steps >= last.steps) {
    const rates = ratesBetween(last, now);
    history.push({at: now.seconds, ...rates});
    history = history.filter(point => point.at >= now.seconds - kSeconds);
    showRates(rates);
    showGraph();
  }
  last = now;
  showState(now);
  showCeilings(now.ceilings);
}

function showStateNotice(text) {
  $("state-notice").hidden = text === "";
  say("state-notice", text);
}

async function pollState() {
  try {
    noteState(await (await ask("/state", {quiet: true})).json());
    showStateNotice("");
  } catch (error) {
    last = null;
    showStateNotice(error.message);
  }
}

/** Once the model is known the server has been given its key, if it wants one. */
async function pollAlways() {
  if (!document.hidden && model) await pollState();
  setTimeout(pollAlways, 1000);
}

views.state = () => askForModel().catch(error => showStateNotice(error.message));
