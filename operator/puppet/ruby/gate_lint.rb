# frozen_string_literal: true

# puppet-lint, where its gem is installed for Puppet's Ruby. All that it finds is a warning.
module Gates
  class Lint
    # nil: not installed, or not wanted.
    attr_reader :version

    # Names of checks: those that are left out, and those that are run alone when there are any.
    # nil: nothing is to be linted.
    def initialize(wanted)
      return unless wanted

      require 'puppet-lint'
      @version = PuppetLint::VERSION
      all = PuppetLint.configuration.checks
      only = all & wanted['only'].map(&:to_sym)
      left_out = only.empty? ? all & wanted['disabled'].map(&:to_sym) : all - only
      left_out.each { |name| PuppetLint.configuration.public_send(:"disable_#{name}") }
    rescue LoadError
      @version = nil
    end

    def check(path, text)
      return [] unless version

      PuppetLint::Checks.new.run("#{Checks::ROOT}/#{path}", text.dup).filter_map do |found|
        next if found[:kind] == :ignored

        message = "#{found[:message]} (puppet-lint #{found[:check]})"
        Problem.new('warning', found[:line], found[:column], message)
      end
    rescue StandardError, SystemExit => e # it ends the process where a check fails
      [Problem.new('warning', nil, nil, "puppet-lint did not end its work: #{e.message}")]
    end
  end
end
