// Chat: turns of a conversation, or, for a model that was not tuned for any, one text that the two write by turns.

/** {role: "user" or "assistant", text, element}; an answer has, once written, {reason, figures}. */
let turns = [];
let writing = null; // what stops the answer that is being written

const kReasons = {stop: "ended", length: "at the limit of tokens", stopped: "stopped", failed: "broken off"};

// What is shown

function showTurn(role) {
  const text = make("div", {class: "text"});
  if (role === "assistant") text.setAttribute("role", "group");
  const element = make("article", {class: `turn ${role}`, "aria-label": role === "user" ? "You" : "Answer"}, text);
  $("turns").append(element);
  return element;
}

function addTurn(role, text = "") {
  const turn = {role, text, element: showTurn(role)};
  if (role === "user") turn.element.querySelector(".text").append(text);
  turns.push(turn);
  return turn;
}

function removeTurn() {
  const turn = turns.pop();
  turn.element.remove();
  return turn;
}

/** The footer of the last answer alone has buttons. */
function showFooters() {
  for (const turn of turns) turn.element.querySelector("footer")?.remove();
  for (const turn of turns.filter(each => each.role === "assistant" && each.reason)) {
    const footer = make("footer"), isLast = turn === turns.at(-1); // and nothing is being written
    if (isLast && (turn.reason !== "stop" || !model.chat))
      footer.append(make("button", {type: "button", class: "quiet", onclick: goOn}, "Continue"));
    if (isLast) footer.append(make("button", {type: "button", class: "quiet", onclick: regenerate}, "Regenerate"));
    footer.append(make("span", {}, turn.figures));
    turn.element.append(footer);
  }
}

function showChat() {
  const isBusy = writing !== null, isText = model !== null && !model.chat;
  $("send").hidden = isBusy;
  $("stop").hidden = !isBusy;
  $("clear").hidden = turns.length === 0 || isBusy;
  $("empty").hidden = turns.length > 0;
  $("turns").classList.toggle("document", isText);
  $("system-field").hidden = isText || model?.chat === "raw";
  say("message-label", isText ? "Text" : "Message");
  $("message").placeholder = isText ? (turns.length > 0 ? "Add to the text, or go on as it is" : "Begin a text") : "Write a message";
  say("send", isText ? "Go on" : "Send");
  $("max_tokens").placeholder = isText ? kDefaultTokens : "all that fit";
  showFooters();
}

function showEmpty() {
  say("empty-title", model.chat ? `Talk to ${model.name}` : `Write with ${model.name}`);
  say("empty-text", model.chat ? "Answers appear as they are written. Nothing leaves this server."
    : "This model was not tuned for conversations. Begin a text, and it goes on.");
}

function fitMessage() {
  $("message").style.height = "auto";
  $("message").style.height = `${$("message").scrollHeight}px`;
}

/** Does what changes the page's length; who looks at its end goes on to do so. */
function keepAtEnd(change) {
  const root = document.documentElement, isAtEnd = innerHeight + scrollY >= root.scrollHeight - 60;
  change();
  if (isAtEnd) scrollTo(0, root.scrollHeight);
}

// Answers

/** Appends what streams in to an answer, and counts it. */
class AnswerWriter {
  constructor(turn) {
    this.turn = turn;
    this.text = turn.element.querySelector(".text");
    this.begun = performance.now();
    this.first = null; // milliseconds until the first text
    this.tokens = 0;
    this.scores = []; // of tokens that are no text yet
  }

  add({text = "", scores = [], reason, usage}) {
    if (usage) this.tokens = usage.completion_tokens;
    else if (text || scores.length > 0) this.tokens += Math.max(scores.length, 1);
    if (reason) this.turn.reason = reason;
    this.scores.push(...scores);
    if (text === "") return;
    this.first ??= performance.now() - this.begun;
    this.turn.text += text;
    keepAtEnd(() => this.text.append(this.scores.length > 0 ? makeToken(text, this.scores) : text));
    this.scores = [];
  }

  end(reason) {
    if (reason || !this.turn.reason) this.turn.reason = reason ?? "failed";
    const seconds = (performance.now() - this.begun - this.first) / 1000;
    const figures = [kReasons[this.turn.reason], `${number(this.tokens)} ${this.tokens === 1 ? "token" : "tokens"}`];
    if (this.first !== null) {
      if (this.tokens > 1) figures.push(`${short((this.tokens - 1) / seconds)} a second`);
      figures.push(`the first after ${duration(this.first / 1000)}`);
    }
    this.turn.figures = figures.join(" · ");
    const token = this.text.querySelector(".token");
    if (token && !this.text.querySelector('.token[tabindex="0"]')) token.tabIndex = 0;
    this.text.setAttribute("aria-label", token ? "Answer; arrow keys walk through its tokens" : "Answer");
    if (this.turn.text === "") this.text.replaceChildren(make("span", {class: "none"}, "Nothing"));
  }
}

/** Has the model write the turn, the last one: from its beginning, or on from what there is. */
async function write(turn) {
  writing = new AbortController();
  turn.reason = undefined;
  turn.element.classList.add("writing");
  turn.element.querySelector("footer")?.remove();
  say("alert", "");
  say("spoken", "The model is writing.");
  const writer = new AnswerWriter(turn), before = turn.text.length;
  showChat();
  let reason, refusal = null;
  try {
    for await (const part of answersTo(turns.filter(each => each !== turn || before > 0), writing.signal)) writer.add(part);
  } catch (error) {
    reason = error.name === "AbortError" ? "stopped" : "failed";
    if (reason === "failed") refusal = error;
  }
  writing = null;
  turn.element.classList.remove("writing");
  writer.end(reason);
  if (refusal) say("alert", refusal.status ? `${refusal.status}: ${refusal.message}` : refusal.message);
  say("spoken", refusal ? "" : `${turn.text.slice(before)} – ${turn.figures}`);
  if (reason && turn.text === "") takeBack();
  keepAtEnd(showChat);
}

/** Nothing came of the last message: it can be changed and sent again. */
function takeBack() {
  removeTurn();
  if (turns.length === 0 || turns.at(-1).role !== "user") return;
  const {text} = removeTurn();
  if ($("message").value === "") $("message").value = text;
  fitMessage();
}

function goOn() {
  if (writing) return;
  $("message").focus();
  write(turns.at(-1));
}

function regenerate() {
  if (writing) return;
  removeTurn();
  $("message").focus();
  write(addTurn("assistant"));
}

async function send(event) {
  event.preventDefault();
  if (writing || !await prepareChat()) return;
  const text = $("message").value;
  if (!$("sampling").reportValidity()) return;
  if (text === "" && !model.chat && turns.length > 0) return goOn();
  if (text.trim() === "") return;
  $("message").value = "";
  fitMessage();
  addTurn("user", text);
  const answer = addTurn("assistant");
  $("empty").hidden = true;
  scrollTo(0, document.documentElement.scrollHeight);
  write(answer);
}

function clearChat() {
  turns = [];
  $("turns").replaceChildren();
  say("alert", "");
  say("spoken", "A new conversation");
  showChat();
  $("message").focus();
}

$("composer").addEventListener("submit", send);
$("stop").addEventListener("click", () => {
  writing?.abort();
  $("message").focus();
});
$("clear").addEventListener("click", clearChat);
$("message").addEventListener("input", fitMessage);
$("message").addEventListener("keydown", event => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("composer").requestSubmit();
});
addEventListener("keydown", event => {
  if (event.key === "Escape" && !$("chat").hidden) writing?.abort();
});

// Settings, which this browser remembers

const kSettings = [...kNumbers, "system", "stop_texts", "probabilities"];

$("sampling").addEventListener("input", () => {
  const values = kSettings.map(id => [id, $(id).type === "checkbox" ? $(id).checked : $(id).value]);
  memory.write("localStorage", "settings", JSON.stringify(Object.fromEntries(values)));
});
$("sampling").addEventListener("submit", event => event.preventDefault());

function loadSettings() {
  const stored = JSON.parse(memory.read("localStorage", "settings") ?? "{}");
  for (const id of kSettings.filter(each => each in stored))
    if ($(id).type === "checkbox") $(id).checked = stored[id];
    else $(id).value = stored[id];
}
loadSettings();

/** Beside the conversation or, where there is no room, closed above it; so is the order of Tab. */
const wide = matchMedia("(min-width: 60rem)");
function placeSettings() {
  (wide.matches ? document.querySelector(".talk") : $("chat-title")).after($("settings"));
  $("settings").open = wide.matches;
}
wide.addEventListener("change", placeSettings);
placeSettings();

/** Whether it is known what is talked to; says what the server says where it is not. */
async function prepareChat() {
  showChat();
  if (model) return true;
  try {
    await askForModel();
    showEmpty();
    say("alert", "");
  } catch (error) {
    say("alert", error.message);
  }
  showChat();
  return model !== null;
}

views.chat = prepareChat;
