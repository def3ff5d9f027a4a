// What the page asks its server. Every address is below the one with the token.

async function answerOf(response) {
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.problem);
  return answer;
}

export const getState = async () => await answerOf(await fetch('state'));

/** `check`, `people`, `renders`, `sheets`, `sounds`, `cancel`. */
export const ask = async (what, question) =>
  await answerOf(
    await fetch(what, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(question),
    }),
  );

const told = new Map();
/** As it was told last: that may have come before the answer to who had it made. */
export const latestOf = (job) => told.get(job.id) ?? job;

export const madeAddress = (job, name) => `made/${job.id}/${name}`;

/** @param listeners by the event's name, and `lost` and `back` for the connection itself. */
export function listen({ lost, back, job, ...others }) {
  const events = new EventSource('events');
  const onJob = (news) => {
    told.set(news.id, news);
    job(news);
  };
  for (const [name, listener] of Object.entries({ ...others, job: onJob })) {
    events.addEventListener(name, ({ data }) => listener(JSON.parse(data)));
  }
  events.onerror = lost;
  events.onopen = back;
}
