// Loaded into a process that is measured: writes what it used to MM_BENCH_USAGE when it ends.
import { writeFileSync } from 'node:fs';

process.once('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const seconds = (userCPUTime + systemCPUTime) / 1e6;
  writeFileSync(process.env.MM_BENCH_USAGE, JSON.stringify({ seconds, peakMb: maxRSS / 1000 }));
});
