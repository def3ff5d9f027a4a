// Whether this container's worker takes work: what it answers at NIGHTREEL_HEALTH_ADDRESS.
const address = `http://127.0.0.1:${process.env.NIGHTREEL_HEALTH_ADDRESS}/ready`;
try {
  const answer = await fetch(address, { signal: AbortSignal.timeout(5_000) });
  console.log(await answer.text());
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  console.log(`${address} does not answer: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
