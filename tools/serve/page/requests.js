// What is asked of the model, and what streams back, in one form for conversations and for plain text.

const kNumbers = ["temperature", "top_p", "top_k", "min_p", "seed", "max_tokens"];
const kDefaultTokens = 128; // of a text that goes on; an answer may fill the context

const readNumber = id => $(id).value.trim() === "" ? null : Number($(id).value);

/** The lines, in which \n, \t and \\ stand for what they usually do. */
const readStops = () => $("stop_texts").value.split("\n").filter(line => line !== "")
  .map(line => line.replace(/\\([nt\\])/g, (_, letter) => ({n: "\n", t: "\t", "\\": "\\"})[letter]));

/** The settings as fields of a request; what is left empty is not sent. A seed is drawn, so that an answer can be told anew. */
function samplingFields() {
  const fields = {};
  for (const name of kNumbers) {
    const value = readNumber(name);
    if (value !== null) fields[name] = value;
  }
  fields.seed ??= Math.floor(Math.random() * 2 ** 31);
  if (!model.chat) fields.max_tokens ??= kDefaultTokens;
  const stops = readStops();
  if (stops.length > 0) fields.stop = stops;
  return {...fields, stream: true, stream_options: {include_usage: true}};
}

/** Turns are {role, text}; the last is the user's, or the answer that is to go on. */
function requestFor(turns) {
  const fields = samplingFields(), wantsScores = $("probabilities").checked;
  if (!model.chat) {
    if (wantsScores) fields.logprobs = 5;
    return {path: "/v1/completions", body: {...fields, prompt: turns.map(turn => turn.text).join("")}};
  }
  if (wantsScores) Object.assign(fields, {logprobs: true, top_logprobs: 5});
  const messages = turns.map(turn => ({role: turn.role, content: turn.text}));
  const system = $("system").value;
  if (system.trim() && model.chat !== "raw") messages.unshift({role: "system", content: system});
  if (turns.at(-1).role === "assistant") fields.continue_final_message = true;
  return {path: "/v1/chat/completions", body: {...fields, messages}};
}

/** The scores of a chunk's tokens, as {token, logprob, top}. */
function scoresOf(choice) {
  const scores = choice.logprobs;
  if (!scores) return [];
  if (scores.content) return scores.content.map(each => ({...each, top: each.top_logprobs}));
  return scores.tokens.map((token, i) => ({
    token, logprob: scores.token_logprobs[i],
    top: Object.entries(scores.top_logprobs[i] ?? {}).map(([text, logprob]) => ({token: text, logprob}))
      .sort((a, b) => b.logprob - a.logprob),
  })).filter(each => each.logprob !== null);
}

/** The events of a stream, parsed, up to [DONE]. Throws a Refusal where one tells of an error. */
async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = "";;) {
    const {value, done} = await reader.read();
    if (done) throw new Refusal(0, "The server broke off.");
    const events = (text + value).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const data = event.replace(/^data: /, "");
      if (data === "[DONE]") return;
      const chunk = JSON.parse(data);
      if (chunk.error) throw new Refusal(chunk.error.code, chunk.error.message);
      yield chunk;
    }
  }
}

/** Has the model answer: yields {text, scores, reason, usage}, of which each may be absent. */
async function* answersTo(turns, signal) {
  const {path, body} = requestFor(turns);
  for await (const chunk of eventsOf(await ask(path, {body, signal}))) {
    const choice = chunk.choices[0];
    if (chunk.usage) yield {usage: chunk.usage};
    if (choice)
      yield {text: choice.text ?? choice.delta.content ?? "", scores: scoresOf(choice), reason: choice.finish_reason};
  }
}
