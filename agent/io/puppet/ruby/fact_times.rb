# frozen_string_literal: true

# Measures how long each fact takes and writes the slow ones to the run directory. Facter loads this
# file with the custom facts of a run (FACTERLIB), before it resolves any fact. Facter 4 and
# OpenFact time core facts, custom facts and files in facts.d with the same stopwatch, which is
# wrapped here. The time of a fact does not include facts that it asks for.
#
# mm-agent defines FILE, the name of the result, on top of its copy in the run directory.
unless defined?(MiyamotoFactTimes::SECONDS) || !defined?(Facter::Framework::Benchmarking::Timer)
  module MiyamotoFactTimes
    SLOW_SECONDS = 1
    MAX_NAMED = 10
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
  miyamoto_file = File.expand_path("../#{MiyamotoFactTimes::FILE}", __dir__)
  at_exit do
    slow = MiyamotoFactTimes::SECONDS.select { |_, seconds| seconds >= MiyamotoFactTimes::SLOW_SECONDS }
    if slow.any? && Process.pid == miyamoto_pid
      named = slow.sort_by { |_, seconds| -seconds }.first(MiyamotoFactTimes::MAX_NAMED)
      File.write(miyamoto_file, JSON.generate(named.map { |name, seconds| { name: name, seconds: seconds.round(3) } }))
    end
  rescue StandardError
    nil
  end
end
