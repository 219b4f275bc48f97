// What all views share: elements, numbers, asking the server, the theme, which view is shown.

const $ = id => document.getElementById(id);

/** An element with attributes and children; texts become text nodes, never markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name === "onclick") element.addEventListener("click", value);
    else element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Says a text where it is not said already, so that screen readers hear changes alone. */
function say(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

const number = (value, digits = 0) =>
  value.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});

/** Three digits: "9.71", "97.1", "971". */
const short = value => number(value, value >= 99.95 || value === 0 ? 0 : value >= 9.995 ? 1 : 2).replace(/\.0+$/, "");

/** "9.71 MB" and the like, of a unit that is counted in thousands. */
function scaled(value, unit) {
  for (const [factor, prefix] of [[1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]])
    if (value >= factor) return `${short(value / factor)} ${prefix}${unit}`;
  return `${number(value)} ${unit}`;
}

/** "12 %", "5.9 %", "< 0.1 %". */
const percent = share => share > 0 && share < 0.001 ? "< 0.1 %" : `${number(100 * share, share > 0 && share < 0.0995 ? 1 : 0)} %`;

function duration(seconds) {
  if (seconds >= 1) return `${short(seconds)} s`;
  return seconds >= 1e-3 ? `${short(seconds * 1e3)} ms` : `${short(seconds * 1e6)} µs`;
}

/** What this browser remembers; not all let a page do so. */
const memory = {
  read(storage, name) {
    try { return window[storage].getItem(`strata.${name}`); } catch { return null; }
  },
  write(storage, name, value) {
    try { window[storage].setItem(`strata.${name}`, value); } catch { /* then it is not remembered */ }
  },
};

// The server

/** What the server answered instead of what was asked for, in its own words. */
class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

let key = memory.read("sessionStorage", "key");
let keyWanted = null; // while the dialog is open: the answer to all who wait for it

/** Shows the dialog, once for all who ask; whether a key was given. */
function askForKey(message) {
  keyWanted ??= new Promise(resolve => {
    say("key-text", message);
    $("key").value = "";
    $("key-dialog").returnValue = "";
    $("key-dialog").showModal();
    $("key-dialog").addEventListener("close", () => {
      keyWanted = null;
      const given = $("key-dialog").returnValue === "given";
      if (given) memory.write("sessionStorage", "key", key = $("key").value);
      resolve(given);
    }, {once: true});
  });
  return keyWanted;
}
$("key-form").addEventListener("submit", event => {
  event.preventDefault();
  $("key-dialog").close("given");
});
$("key-cancel").addEventListener("click", () => $("key-dialog").close());

async function refusalOf(response) {
  const text = await response.text();
  try { return new Refusal(response.status, JSON.parse(text).error.message); }
  catch { return new Refusal(response.status, text || response.statusText); }
}

/** The response to a request; asks for a key where the server wants one. Throws a Refusal. */
async function ask(path, {body, signal, quiet = false} = {}) {
  for (;;) {
    const headers = {};
    if (key) headers.Authorization = `Bearer ${key}`;
    if (body) headers["Content-Type"] = "application/json";
    let response;
    try {
      response = await fetch(path, {method: body ? "POST" : "GET", headers, signal, body: body && JSON.stringify(body)});
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refusal(0, "The server does not answer.");
    }
    if (response.ok) return response;
    const refusal = await refusalOf(response);
    if (response.status !== 401 || quiet || !await askForKey(refusal.message)) throw refusal;
  }
}

// The theme: the system's until one is chosen

const kThemes = {"": "Theme: system", light: "Theme: light", dark: "Theme: dark"};

function showTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  $("theme").textContent = kThemes[theme];
}
$("theme").addEventListener("click", () => {
  const names = Object.keys(kThemes);
  const next = names[(names.indexOf(document.documentElement.dataset.theme ?? "") + 1) % names.length];
  memory.write("localStorage", "theme", next);
  showTheme(next);
});
const remembered = memory.read("localStorage", "theme");
showTheme(remembered in kThemes ? remembered : "");

// Views

const views = {}; // by name: what to call when one is shown

function showView() {
  const wanted = location.hash.slice(1);
  if (wanted === "main") return; // the link that skips the head
  const name = wanted in views ? wanted : "chat";
  for (const each of Object.keys(views)) {
    $(each).hidden = each !== name;
    if (each === name) $(`link-${each}`).setAttribute("aria-current", "page");
    else $(`link-${each}`).removeAttribute("aria-current");
  }
  document.title = `${name[0].toUpperCase()}${name.slice(1)} – Strata`;
  scrollTo(0, 0);
  views[name]();
}
addEventListener("hashchange", showView);

let model = null; // what /model says, once it has

/** Asks for the facts of the model, once; those who come meanwhile get the same answer. */
let modelAsked = null;
function askForModel() {
  modelAsked ??= ask("/model").then(response => response.json()).then(facts => {
    model = facts;
    say("model-name", facts.name);
    return facts;
  }).finally(() => { modelAsked = null; });
  return modelAsked;
}
