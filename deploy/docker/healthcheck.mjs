// Whether this container's worker asks Temporal for work: what Temporal's SDK says of itself at NIGHTREEL_TEMPORAL_METRICS_PORT.
const address = `http://127.0.0.1:${process.env.NIGHTREEL_TEMPORAL_METRICS_PORT}/metrics`;
try {
  const metrics = await (await fetch(address, { signal: AbortSignal.timeout(5_000) })).text();
  const polls = /^temporal_num_pollers\{.*\} [1-9]/m.test(metrics);
  console.log(polls ? 'asks for work' : `asks for no work: ${address} counts no pollers`);
  process.exitCode = polls ? 0 : 1;
} catch (error) {
  console.log(`${address} does not answer: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
