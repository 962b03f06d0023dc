# frozen_string_literal: true

require 'json'

# Adds the facts of this host: `facts.set`, `facts.files`, knobs and the programs that print the
# value of one (docs/agent.md). Facter loads this file with the custom facts of a run (FACTERLIB). A
# program that fails or takes too long gives no fact; mm-agent reads why in PROBLEMS: one line for
# each, with a tab before what the program wrote to stderr.
#
# mm-agent defines LIST, a JSON file, PROBLEMS and LIMIT in seconds on top of its copy in the run
# directory.
module MiyamotoHostFacts
  # Above every fact of a module, and below FACTER_name in the environment.
  WEIGHT = 100_000
  MAX_BYTES = 64 * 1024
  # The end of stderr. More than mm-agent shows, because a secret that is cut is not recognized.
  MAX_STDERR_BYTES = 8 * 1024

  class << self
    def value_of(source)
      return source['value'] if source.key?('value')
      parse(source['text'] || output_of(source['program']))
    rescue StandardError => error
      complain("facts.knob_scripts: #{source['program']}: #{utf8(error.message)}")
    end

    # The last line that is neither empty nor a comment. Without such a line the value is true.
    def parse(text)
      lines = utf8(text).delete_prefix("\uFEFF").lines.map(&:strip)
      line = lines.reject { |text_line| text_line.empty? || text_line.start_with?('#') }.last
      case line
      when nil, /\A(t|true)\z/i then true
      when /\A(f|false)\z/i then false
      else line
      end
    end

    def output_of(program)
      @until = now + LIMIT.to_i
      @status = nil
      @stderr = String.new
      pipes = [IO.pipe, IO.pipe]
      (output, out), (errors, err) = pipes
      options = { in: File::NULL, out: out, err: err, pgroup: true, chdir: '/' }
      # Without FACTERLIB, a program that calls facter does not start itself again.
      @pid = Process.spawn({ 'FACTERLIB' => nil }, [program, program], options)
      [out, err].each(&:close)
      text = read(output, errors)
      raise "it ended with #{@status.exitstatus || "signal #{@status.termsig}"}" unless @status.success?
      @pid = nil
      text
    ensure
      pipes&.flatten&.each(&:close)
      stop if @pid
    end

    private

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    # Returns what the program prints until it ends. Processes that it started may keep the pipes
    # open for longer.
    def read(output, errors)
      text = String.new
      unread = [output, errors]
      until @status
        IO.select(unread, nil, nil, [in_time, 0.02].min)
        # A program that has ended has written everything: the pipes are read once more.
        @status = Process.wait2(@pid, Process::WNOHANG)&.last
        unread.reject! do |pipe|
          part = pipe.read_nonblock(MAX_BYTES, exception: false)
          (pipe == output ? text : @stderr) << part if part.is_a?(String)
          part.nil?
        end
        @stderr = @stderr.byteslice(-MAX_STDERR_BYTES..) || @stderr
        raise "it printed more than #{MAX_BYTES} bytes" if text.bytesize > MAX_BYTES
      end
      text
    end

    def in_time
      left = @until - now
      raise "it took longer than #{LIMIT} s" if left <= 0
      left
    end

    # Ends the program and everything that it has started.
    def stop
      Process.kill(:KILL, -@pid)
      Process.wait(@pid) unless @status
    rescue SystemCallError
      nil
    ensure
      @pid = nil
    end

    def complain(text)
      Facter.warn(text)
      line = [text, utf8(@stderr)].map { |part| part.tr("\t\n", ' ') }.join("\t")
      File.open(PROBLEMS, 'a', 0o600) { |file| file.puts(line) }
      nil
    rescue SystemCallError
      nil
    end

    def utf8(text)
      text.dup.force_encoding(Encoding::UTF_8).scrub("\uFFFD")
    end
  end

  JSON.parse(File.read(LIST, encoding: 'UTF-8')).each do |name, source|
    Facter.add(name) do
      has_weight WEIGHT
      setcode { MiyamotoHostFacts.value_of(source) }
    end
  end
end
