# frozen_string_literal: true

require 'json'

# Renders the templates of `overlay` (docs/agent.md) when all facts are known and nothing has been
# compiled yet: Puppet then stores the facts of the run as JSON. Facter loads this file with the
# custom facts (FACTERLIB). A template that cannot be rendered ends the run.
#
# A value becomes part of Puppet code that root applies, so anything but plain characters is
# refused.
#
# mm-agent defines LIST, a JSON file, on top of its copy in the run directory.
module MiyamotoTemplates
  PLAIN = %r{\A[\w.:@+/-]{1,200}\z}

  class << self
    def render_all(facts)
      JSON.parse(File.read(LIST, encoding: 'UTF-8')).each do |template|
        @name = template['inside']
        text = render(template['text'], facts)
        flags = File::WRONLY | File::CREAT | File::TRUNC | File::NOFOLLOW
        File.open(template['target'], flags, 0o600) { |file| file.write(text) }
      end
    end

    private

    def render(text, facts)
      text.gsub(/%\{([^}]*)\}?/) do
        name = Regexp.last_match(1)
        value = value_of(name, facts)
        refuse("#{name} is not known") if value.nil?
        refuse("the value of #{name} has other characters than letters, digits and . : @ + / _ -") unless plain?(value)
        value.to_s
      end
    end

    def value_of(name, facts)
      return Puppet[:certname] if name == 'certname'
      refuse("wanted %{certname} or %{facts.NAME}, found %{#{name}}") unless name.start_with?('facts.')
      path = name.delete_prefix('facts.')
      facts.fetch(path) { path.split('.').reduce(facts) { |inner, key| inner.is_a?(Hash) ? inner[key] : nil } }
    end

    def plain?(value)
      case value
      when true, false, Integer then true
      when String then value.match?(PLAIN)
      else false
      end
    end

    def refuse(why)
      raise Puppet::Error, "overlay: the template for #{@name}: #{why}"
    end
  end
end
if defined?(Puppet::Node::Facts::Json)
  Puppet::Node::Facts::Json.prepend(Module.new do
    def save(request)
      MiyamotoTemplates.render_all(request.instance.values)
      super
    end
  end)
end
