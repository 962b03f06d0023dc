# frozen_string_literal: true

# What is wrong with one file that Puppet would load.
require 'json'
require 'pathname'
require 'tmpdir'
require 'puppet'
require_relative 'gate_json'
require_relative 'gate_ruby'
require_relative 'gate_yaml'

module Gates
  # Line and column count from 1; nil: unknown. The level is "error" or "warning".
  Problem = Struct.new(:level, :line, :column, :message) do
    def values_at(*names)
      names.map { |name| self[name] }
    end
  end

  class Checks
    # Where the release would be: Puppet compares names with places, and reads nothing there.
    ROOT = '/release'

    def initialize(request)
      @present = request['present']
      @manifest = request['manifest']
      $VERBOSE = nil # Ruby's own warnings about what it compiles
      names = %w[conf var code log run public]
      Puppet.initialize_settings(names.map { |name| "--#{name}dir=#{Dir.tmpdir}/#{name}" })
      Puppet::Util::Log.newdesttype(:gates) do
        define_method(:handle) { |message| Checks.logged << message }
      end
      Puppet::Util::Log.newdestination(:gates)
      Puppet.push_context({ current_environment: environment(request) })
      @puppet = Puppet::Pops::Parser::EvaluatingParser.new
      @epp = Puppet::Pops::Parser::EvaluatingParser::EvaluatingEppParser.new
    end

    # What Puppet logged about the file that is being checked.
    def self.logged
      @logged ||= []
    end

    def check(kind, path, text)
      Checks.logged.clear
      unless kind == 'ruby' || text.valid_encoding?
        return [Problem.new('error', bad_line(text), nil, 'not valid UTF-8')]
      end

      problems = send(kind, path, text)
      problems + Checks.logged.map { |log| logged_problem(log) }
    rescue JSON::ParserError => e
      [JsonPlace.problem(e, text)]
    rescue StandardError, ScriptError, SystemStackError => e
      [problem_of(e, text)]
    end

    private

    def environment(request)
      modulepath = request['modulepath'].map { |directory| "#{ROOT}/#{directory}" }
      manifest = request['manifest'] ? "#{ROOT}/#{request['manifest']}" : :no_manifest
      Puppet::Node::Environment.create(:release, modulepath, manifest)
    end

    def puppet(path, text)
      diagnostics(@puppet, path, text) do |model|
        next [] unless text.match?(/\bimport\b/)

        level = site?(path) ? 'error' : 'warning'
        imports(model).map do |call|
          Problem.new(level, call.line, call.pos, 'Puppet refuses import since version 4: delete it')
        end
      end
    end

    # Only the manifests of the environment are evaluated on every host.
    def site?(path)
      @manifest && (@manifest == path || @manifest.empty? || path.start_with?("#{@manifest}/"))
    end

    # Puppet finds them when it evaluates them.
    def imports(model)
      found = []
      model._pcore_all_contents([]) do |node|
        next unless node.is_a?(Puppet::Pops::Model::CallNamedFunctionExpression)

        name = node.functor_expr
        found << node if name.is_a?(Puppet::Pops::Model::QualifiedName) && name.value == 'import'
      end
      found
    end

    def epp(path, text)
      diagnostics(@epp, path, text)
    end

    # As EvaluatingParser#parse_string, but with each problem instead of the first. A block gets the
    # syntax tree and returns more problems.
    def diagnostics(parser, path, text)
      parsed = parser.parser.parse_string(text, "#{ROOT}/#{path}")
      return [] unless parsed

      problems = parser.validate(parsed.model).diagnostics.filter_map do |found|
        next if found.severity == :ignore

        place = found.source_pos
        level = found.severity == :error ? 'error' : 'warning'
        message = found.issue.format(found.arguments)
        Problem.new(level, place && place.line, place && place.pos, message)
      end
      block_given? ? problems + yield(parsed.model) : problems
    end

    def ruby(path, text)
      RubySyntax.problems(text, path)
    end

    def erb(path, text)
      RubySyntax.template_problems(text, path)
    end

    def yaml(_path, text)
      YamlData.problems(text)
    end

    def json(_path, text)
      JSON.parse(text)
      []
    end

    # By Puppet's own class for the file, which wants a file to name in its messages.
    def hiera(path, text)
      return [Problem.new('error', 1, 1, 'a key is not text')] if YamlData.odd_keys?(text)

      file = File.join(Dir.tmpdir, "hiera-#{Process.pid}.yaml") # one for each process
      File.write(file, text)
      config = Puppet::Util::Yaml.safe_load(text, [Symbol], path)
      config = {} unless config.is_a?(Hash)
      version = config['version'] || config[:version] || 3
      return [old_version(path, text, version)] unless version.to_i > 4

      owner = Puppet::Pops::Lookup.const_get(path == 'hiera.yaml' ? :EnvironmentDataProvider : :ModuleDataProvider)
      Puppet::Pops::Lookup::HieraConfigV5.new(Pathname.new(Dir.tmpdir), Pathname.new(file), config, owner.allocate)
      []
    end

    # Puppet 7 ignores version 3 with a warning, Puppet 8 and OpenVox end. Puppet 4 to 8 read 4.
    def old_version(path, text, version)
      line = text.lines.index { |each| each.match?(/\A\s*:?version:/) }
      is_ignored = path == 'hiera.yaml' && version.to_i != 4
      way_out = '; convert it, or rename it and name it as puppet.hiera_config on the hosts' if is_ignored
      message = "wanted \"version: 5\", found version #{version}#{way_out}"
      Problem.new(is_ignored ? 'error' : lenient, (line || 0) + 1, 1, message)
    end

    # These are errors since Puppet 8, and warnings in older versions.
    def lenient
      Puppet[:strict] == :error ? 'error' : 'warning'
    end

    def metadata(_path, text)
      data = JSON.parse(text)
      return [Problem.new(lenient, 1, 1, 'not a JSON object')] unless data.is_a?(Hash)

      Array(data['dependencies']).filter_map do |wanted|
        message = dependency(wanted) if wanted.is_a?(Hash)
        line = text.lines.index { |each| each.include?(wanted['name'].to_s) } if message
        Problem.new('warning', line && (line + 1), nil, message) if message
      end
    rescue JSON::ParserError => e
      [JsonPlace.problem(e, text).tap { |problem| problem.level = lenient }]
    end

    # Packages of Puppet and OpenVox bring these modules to the hosts.
    OF_PACKAGES = /_core\z/.freeze

    def dependency(wanted)
      full = wanted['name'].to_s
      name = full.split(%r{[-/]}).last.to_s
      range = wanted['version_requirement'] || '>= 0.0.0'
      unless @present.key?(name)
        return name.match?(OF_PACKAGES) ? nil : "needs the module #{full} #{range}, which is not in the release"
      end

      version = @present[name]
      return if version.nil? || SemanticPuppet::VersionRange.parse(range).include?(SemanticPuppet::Version.parse(version))

      "needs the module #{full} #{range}, and the release has #{version}"
    rescue ArgumentError
      "the dependency on #{full} has a version that is not understood: #{range}, #{version}"
    end

    def bad_line(text)
      text.lines.index { |line| !line.valid_encoding? } + 1
    end

    def logged_problem(log)
      level = %i[err alert emerg crit].include?(log.level) ? 'error' : 'warning'
      Problem.new(level, log.line, log.respond_to?(:pos) ? log.pos : nil, log.message)
    end

    def problem_of(error, text)
      message = error.respond_to?(:basic_message) ? error.basic_message : error.message
      line = error.respond_to?(:line) ? error.line : nil
      # Puppet names no line for the problems that it finds at the end.
      line ||= text.lines.size if message.include?('end of input')
      odd = message[/unrecognized key '([^']+)'/, 1]
      line ||= text.lines.index { |each| each.match?(/\A[\s-]*#{Regexp.escape(odd)}\s*:/) }&.next if odd
      Problem.new('error', line, error.respond_to?(:pos) ? error.pos : nil, message)
    end
  end
end
