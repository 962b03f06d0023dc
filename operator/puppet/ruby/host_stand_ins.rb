# frozen_string_literal: true

# Replaces what only the host has, in the same way in both environments of a comparison: files
# outside of the environment, programs, the keys of eyaml, Facter, the time. No data of this machine
# gets into a catalog, and no program on it is started.
require 'digest'
require 'facter'

module StandIns
  class << self
    attr_reader :root, :directory, :facts, :time

    # The stand-ins that were used since the last host began.
    def used
      @used.uniq.first(20)
    end

    def note(what)
      @used << what
    end

    def for_host(facts)
      @facts = facts
      @used = []
    end

    def fixed_time(seconds)
      @time = Time.at(seconds)
      yield
    ensure
      @time = nil
    end

    def install(root, directory)
      @root = root
      @directory = directory
      for_host({})
      Puppet::Parser::Files.singleton_class.prepend(Files)
      Puppet::Util::Execution.singleton_class.prepend(Programs)
      Puppet::Util::Autoload.prepend(Providers)
      Facter.singleton_class.prepend(HostFacts)
      Time.singleton_class.prepend(Clock)
      Eyaml.install
    end
  end

  # file(), template() and epp() with an absolute path read the disk of the host.
  module Files
    def find_in_module(reference, environment)
      path = reference.to_s
      return super if !Puppet::Util.absolute_path?(path) || path.start_with?("#{StandIns.root}/")
      StandIns.note("the file #{path}")
      StandIns::Files.stand_in(path)
    end

    def self.stand_in(path)
      name = File.join(StandIns.directory, "file-of-the-host-#{Digest::SHA256.hexdigest(path)[0, 16]}")
      return name if File.exist?(name)
      new = "#{name}.#{Process.pid}"
      File.write(new, "(what the host has in #{path})\n")
      File.rename(new, name)
      name
    end
  end

  # generate() and all other programs
  module Programs
    def execute(command, *)
      line = Array(command).join(' ')
      StandIns.note("the output of #{line}")
      Puppet::Util::Execution::ProcessOutput.new("(what #{line} prints on the host)", 0)
    end
  end

  # A type loads all of its providers, which run programs; no catalog needs them.
  module Providers
    def loadall(*arguments)
      return super unless @path.to_s.start_with?('puppet/provider/')
      object.providify if self.class.files_to_load(@path, *arguments).any?
    end
  end

  # The facts that Ruby code of modules asks Facter for.
  module HostFacts
    Fact = Struct.new(:name, :value)

    def value(name)
      facts = StandIns.facts
      name = name.to_s
      facts.key?(name) ? facts[name] : name.split('.').reduce(facts) { |at, part| at.is_a?(Hash) ? at[part] : nil }
    end

    def fact(name)
      found = value(name)
      found.nil? ? nil : Fact.new(name.to_s, found)
    end
    alias [] fact

    def to_hash
      StandIns.facts
    end
  end

  module Clock
    def now(**options)
      time = StandIns.time
      return super if time.nil?
      options.empty? ? time : at(time, **options)
    end

    def new(*arguments, **options)
      arguments.empty? && StandIns.time ? now(**options) : super
    end
  end

  # The part of hiera-eyaml that eyaml_lookup_key needs, without the gem and without keys.
  module Eyaml
    Token = Struct.new(:to_plain_text)

    def self.parse(text)
      StandIns.note('values that eyaml encrypts')
      [Token.new(text.gsub(/ENC\[.*?\]/m) { |cipher| "(encrypted #{Digest::SHA256.hexdigest(cipher)[0, 12]})" })]
    end

    OPTIONS = Module.new do
      def self.set(*); end

      def self.[](*); end
    end
    FACTORY = Module.new do
      def self.hiera_backend_parser
        StandIns::Eyaml
      end
    end

    def self.install
      eyaml = %i[Hiera Backend Eyaml].reduce(Object) do |above, name|
        above.const_defined?(name, false) ? above.const_get(name, false) : above.const_set(name, Module.new)
      end
      eyaml.const_set(:Options, OPTIONS)
      eyaml.const_set(:Parser, Module.new).const_set(:ParserFactory, FACTORY)
      Kernel.prepend(Module.new do
        def require(name)
          name.to_s.start_with?('hiera/backend/eyaml/') ? false : super
        end
      end)
      Puppet.features.add(:hiera_eyaml) { true }
    end
  end
end
