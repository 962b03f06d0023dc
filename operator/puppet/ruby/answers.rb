# frozen_string_literal: true

# The protocol between a Ruby program and mm (operator/puppet/run-ruby.ts). The request is one
# line of JSON on standard input. Each answer is one line of JSON on descriptor 3: whatever else
# the program loads may print to standard output. All of it runs on Ruby 2.7 and newer.
require 'json'

module Answers
  OUT = IO.for_fd(3, 'w')
  OUT.sync = true
  LOCK = Mutex.new

  # The request. Also makes sure that the program ends when mm does.
  def self.request
    request = JSON.parse($stdin.gets)
    Thread.new do
      $stdin.read
      Process.kill(:KILL, 0) # this process leads a group, and its children belong to it
    end
    request
  end

  # Any value that JSON can hold, except the text "done".
  def self.say(answer)
    LOCK.synchronize { OUT.write("#{JSON.generate(answer)}\n") }
  end

  # Must be last: without it, mm reports that the program crashed.
  def self.done
    say('done')
  end
end
