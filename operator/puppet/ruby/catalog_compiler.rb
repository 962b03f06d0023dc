# frozen_string_literal: true

# The catalogs of many hosts in one environment, as `puppet apply` on each host would compile them
# (puppet/application/apply.rb, indirector/catalog/compiler.rb).
require_relative 'catalog_parameters'

class CatalogCompiler
  # Puppet parses an EPP template again each time that it is rendered, which was a fifth of the work
  # of a catalog. The files of an environment do not change while its catalogs are compiled.
  module ParsedOnce
    PARSED = {}

    def parse_file(path)
      PARSED[path] ||= super
    end
  end

  def initialize(request)
    path, name = request.values_at('environmentPath', 'environment')
    @root = File.join(path, name)
    @now = request['now']
    StandIns.install(@root, request['privateDirectory'])
    Puppet::Pops::Parser::EvaluatingParser::EvaluatingEppParser.prepend(ParsedOnce)
    @environment = environment(path, name, request['manifest'])
    # As Puppet's command line does before it runs an application.
    @environment.each_plugin_directory { |lib| $LOAD_PATH << lib unless $LOAD_PATH.include?(lib) }
    places = { @root => '<environment>', request['privateDirectory'] => '<puppet>' }
    @parameters = CatalogParameters.new(@environment, places, request['salt'])
  end

  # {catalog:, standIns:} or {error:, standIns:}. Code of a release never makes this raise.
  def host(certname, values)
    StandIns.for_host(values)
    result = attempt(certname, values)
    result.merge(standIns: StandIns.used)
  end

  private

  def environment(path, name, manifest)
    base = Puppet::Node::Environment.split_path(Puppet[:basemodulepath])
    environments = Puppet::Environments::Cached.new(Puppet::Environments::Directories.new(path, base))
    Puppet.push_context({ environments: environments }, 'mm')
    found = environments.get!(name)
    # Its config_version is a program, and the version of a catalog does not matter here.
    found.override_with(manifest: manifest || found.manifest, config_version: '')
  end

  def attempt(certname, values)
    StandIns.fixed_time(@now) { { catalog: @parameters.of(compile(certname, values)) } }
  rescue StandardError, ScriptError, SystemStackError, NoMemoryError, SystemExit => e
    { error: @parameters.clean(e.message).gsub(/(?<![\w.-])#{Regexp.escape(certname)}(?![\w.-])/, '<host>') }
  end

  def compile(certname, values)
    srand(0)
    Puppet[:certname] = certname
    facts = Puppet::Node::Facts.new(certname, values.merge('clientcert' => certname))
    node = Puppet::Node.new(certname, environment: @environment, facts: facts)
    node.merge(facts.values)
    node.add_server_facts({})
    node.trusted_data = Puppet::Context::TrustedInformation.local(node).to_h
    Puppet.override({ current_environment: @environment }, 'mm') do
      Puppet::Parser::Compiler.compile(node)
    end
  ensure
    Puppet::Type.clear_misses # types that are missing for one host are asked for again
  end
end
