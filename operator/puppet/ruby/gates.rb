# frozen_string_literal: true

# Checks the files of a release that Puppet would load, in one process that forks for more work.
# Nothing of a release is run: Puppet's language is parsed, Ruby is compiled, YAML and JSON are
# read. operator/release/gates/check-files.ts has the request and the answers.
GC.disable # until Puppet is loaded: a fifth of that time, and nothing of it becomes garbage soon
require_relative 'answers'
require_relative 'gate_checks'
require_relative 'gate_lint'

module Gates
  MAX_PROBLEMS_PER_FILE = 10
  MAX_MESSAGE = 1000

  # One of several processes, each with its share of the files.
  class Worker
    def initialize(number, checks, lint, contents)
      @number = number
      @checks = checks
      @lint = lint
      @contents = contents
    end

    def work(files)
      files.each do |file|
        Answers.say({ at: [@number, file['index']] })
        text = @contents.pread(file['length'], file['offset']).force_encoding(Encoding::UTF_8)
        problems = @checks.check(file['kind'], file['path'], text)
        problems += @lint.check(file['path'], text) if file['lint'] && problems.empty?
        problems.first(MAX_PROBLEMS_PER_FILE).each { |problem| say(file, problem) }
      end
    end

    private

    # Puppet's messages contain the path that it was given, which does not help the publisher.
    GIVEN_PATHS = %r{#{Checks::ROOT}/|#{Dir.tmpdir}/hiera-\d+\.yaml}.freeze

    def say(file, problem)
      message = problem.message.to_s.dup.force_encoding(Encoding::UTF_8).scrub
      message = message.gsub(GIVEN_PATHS) { |given| given == "#{Checks::ROOT}/" ? '' : file['path'] }
      level, line, column = problem.values_at(:level, :line, :column)
      Answers.say({ problem: [file['index'], level, line, column, message[0, MAX_MESSAGE]] })
    end
  end

  # An empty file has nothing to read at its offset, which may be the end.
  class Contents < File
    def pread(length, offset)
      length.zero? ? +'' : super
    end
  end

  def self.run(request)
    lint = Lint.new(request['lint'])
    Answers.say({ tools: { puppet: Puppet.version, ruby: RUBY_VERSION, lint: lint.version } })
    checks = Checks.new(request)
    GC.enable
    contents = Contents.open(request['contents'], 'rb')
    shares = share(request['files'], request['jobs'])
    workers = shares.map.with_index { |_, number| Worker.new(number, checks, lint, contents) }
    return workers.first.work(shares.first) if shares.size == 1

    shares.zip(workers).each do |files, worker|
      fork do
        worker.work(files)
        exit!(0)
      end
    end
    shares.each { wait_for_one }
  end

  # Large files first, so that all processes end at about the same time.
  def self.share(files, jobs)
    shares = Array.new(jobs) { [] }
    sorted = files.sort_by { |file| -file['length'] }
    sorted.each_with_index { |file, index| shares[index % jobs] << file }
    shares
  end

  def self.wait_for_one
    _, status = Process.wait2
    abort("one of the processes ended with #{status}") unless status.success?
  end
end

if $PROGRAM_NAME == __FILE__
  Gates.run(Answers.request)
  Answers.done
end
