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
    + "measured on this machine while the server had nothing to do. The share counts only the time in which the server computes.");
}

// The graph: 600 by 160, now at its right

function pathOf(points, value, most) {
  const end = history.at(-1).at;
  return points.map(point => `${((1 - (end - point.at) / kSeconds) * 600).toFixed(1)} ${(160 - 150 * value(point) / most).toFixed(1)}`);
}

/** Lines, broken where there is no ceiling. */
function ceilingPath(most) {
  let path = "", isOpen = false;
  for (const point of history) {
    if (point.ceiling !== null) path += `${isOpen ? "L" : "M"}${pathOf([point], each => each.ceiling, most)}`;
    isOpen = point.ceiling !== null;
  }
  return path;
}

function showGraph() {
  const rates = history.map(point => point.rate), ceilings = history.map(point => point.ceiling).filter(each => each !== null);
  const most = Math.max(1, ...rates, ...ceilings) * 1.05;
  const line = pathOf(history, point => point.rate, most);
  $("graph-rate").setAttribute("d", `M${line.join("L")}`);
  $("graph-area").setAttribute("d", `M${line[0].split(" ")[0]} 160L${line.join("L")}L600 160Z`);
  $("graph-ceiling").setAttribute("d", ceilingPath(most));
  say("graph-most", `highest line: ${short(most / 160 * 120 * 160 / 150)}`);
  const mean = rates.reduce((a, b) => a + b, 0) / rates.length;
  say("graph-text", `Over the last ${number(Math.max(1, Math.round(history.at(-1).at - history[0].at)))} seconds: `
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

/** While the view is hidden nothing is asked that would open the dialog for a key. */
async function pollState() {
  try {
    noteState(await (await ask("/state", {quiet: $("state").hidden})).json());
    $("state-notice").hidden = true;
  } catch (error) {
    last = null;
    $("state-notice").hidden = false;
    say("state-notice", error.message);
  }
}

async function pollAlways() {
  if (!document.hidden) await pollState();
  setTimeout(pollAlways, 1000);
}

views.state = () => { askForModel().catch(() => {}); };
