// Token probabilities: what is shown of a token that is pointed at or has the focus.

/** As much of a text as one token added, with the tokens that it was made of: {token, logprob, top: [...]}. */
function makeToken(text, scores) {
  const span = make("span", {class: "token", tabindex: "-1"}, text);
  span.scores = scores;
  return span;
}

/** A text as one can see it: spaces and ends of lines are characters, too. */
const visible = text => text.replace(/ /g, "␣").replace(/\n/g, "⏎").replace(/\t/g, "⇥") || "∅";

function tipLine(piece, logprob, isChosen) {
  const share = Math.exp(logprob), meter = make("i");
  meter.style.width = `${100 * share}%`;
  return make("p", isChosen ? {class: "chosen"} : {}, make("span", {class: "piece"}, visible(piece)),
    make("span", {class: "meter", "aria-hidden": "true"}, meter),
    make("span", {class: "share"}, percent(share)));
}

/** The token, then what else was likely there. */
function tipOf({token, logprob, top}) {
  const others = top.filter(other => other.token !== token);
  return make("div", {class: "of"}, tipLine(token, logprob, true),
    ...others.map(other => tipLine(other.token, other.logprob, false)));
}

let tipped = null; // the token that it is shown of

function showTip(span) {
  if (span === tipped) return;
  hideTip();
  tipped = span;
  span.classList.add("shown");
  span.setAttribute("aria-describedby", "tip");
  const tip = $("tip");
  tip.replaceChildren(...span.scores.map(tipOf));
  tip.hidden = false;
  const at = span.getClientRects()[0] ?? span.getBoundingClientRect(), size = tip.getBoundingClientRect();
  const above = at.top - size.height - 8;
  tip.style.left = `${Math.max(8, Math.min(at.left, innerWidth - size.width - 8))}px`;
  tip.style.top = `${above >= 64 ? above : at.bottom + 8}px`;
}

function hideTip() {
  $("tip").hidden = true;
  tipped?.classList.remove("shown");
  tipped?.removeAttribute("aria-describedby");
  tipped = null;
}

/** One token of a text can be reached with Tab; the others from there. */
function focusToken(span) {
  for (const other of span.parentElement.querySelectorAll('.token[tabindex="0"]')) other.tabIndex = -1;
  span.tabIndex = 0;
  span.focus();
}

const tokenOf = event => event.target.closest?.(".token");

$("turns").addEventListener("pointerover", event => tokenOf(event) && showTip(tokenOf(event)));
$("turns").addEventListener("pointerout", event => {
  if (tokenOf(event) !== document.activeElement) hideTip();
});
$("turns").addEventListener("focusin", event => tokenOf(event) && showTip(tokenOf(event)));
$("turns").addEventListener("focusout", hideTip);
$("turns").addEventListener("keydown", event => {
  const span = tokenOf(event);
  if (!span) return;
  const all = [...span.parentElement.querySelectorAll(".token")], index = all.indexOf(span);
  const next = {ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: all.length - 1}[event.key];
  if (event.key === "Escape") hideTip();
  if (next === undefined) return;
  event.preventDefault();
  if (all[next]) focusToken(all[next]);
});
addEventListener("scroll", hideTip, {passive: true});
