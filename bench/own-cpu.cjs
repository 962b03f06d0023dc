// Loaded with `node --require` into a real agent: the CPU time of this very process, children not counted.
const { writeFileSync } = require('node:fs');

process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  const path = process.env.MM_BENCH_OWN_CPU;
  if (path !== undefined) writeFileSync(path, String((user + system) / 1000));
});
