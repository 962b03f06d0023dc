import { join } from 'node:path';
import type { SlowFact } from '../../../bucket/documents/status.ts';

/** Which fact is slow enough to be named. */
const SLOW_SECONDS = 1;
const MAX_NAMED = 10;
const FILE = 'slow-facts.json';

/**
 * Ruby that Facter loads with the custom facts of a run (FACTERLIB), before it resolves any fact. It times each by
 * Facter's own stopwatch, which Facter 4 and OpenFact hold to core facts, custom ones and files in facts.d alike, and
 * leaves the slow ones in the run directory, beside the directory that it lies in itself.
 */
export const FACT_TIMES = `# frozen_string_literal: true
unless defined?(MiyamotoFactTimes) || !defined?(Facter::Framework::Benchmarking::Timer)
  module MiyamotoFactTimes
    SECONDS = Hash.new(0.0)

    def measure(name, *)
      outside = Thread.current[:miyamoto_inside]
      Thread.current[:miyamoto_inside] = 0.0
      start = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      super
    ensure
      took = Process.clock_gettime(Process::CLOCK_MONOTONIC) - start
      SECONDS[name.to_s] += took - Thread.current[:miyamoto_inside]
      Thread.current[:miyamoto_inside] = outside && outside + took
    end
  end
  Facter::Framework::Benchmarking::Timer.singleton_class.prepend(MiyamotoFactTimes)
  miyamoto_pid = Process.pid
  miyamoto_file = File.expand_path('../${FILE}', __dir__)
  at_exit do
    slow = MiyamotoFactTimes::SECONDS.select { |_, seconds| seconds >= ${SLOW_SECONDS} }
    if slow.any? && Process.pid == miyamoto_pid
      named = slow.sort_by { |_, seconds| -seconds }.first(${MAX_NAMED})
      File.write(miyamoto_file, JSON.generate(named.map { |name, seconds| { name: name, seconds: seconds.round(3) } }))
    end
  rescue StandardError
    nil
  end
end
`;

/** Where a run's slow facts lie. */
export function slowFactsPath(runDirectory: string): string {
  return join(runDirectory, FILE);
}

/** What lay there, if it is that. */
export function slowFactsOf(value: unknown): readonly SlowFact[] {
  if (!Array.isArray(value)) return [];
  return value
    .slice(0, MAX_NAMED)
    .flatMap((entry: { name?: unknown; seconds?: unknown } | null) => {
      const { name, seconds } = entry ?? {};
      const isSlow = typeof name === 'string' && typeof seconds === 'number';
      return isSlow ? [{ name: name.slice(0, 200), seconds }] : [];
    });
}
