# frozen_string_literal: true

# Puppet's JSON writer raises for facts that are not UTF-8, or are NaN or Infinity, and a run fails
# that would succeed without mm-agent. Facter drops custom facts that are not UTF-8, but keeps its
# own: EC2 user data that is gzipped, as cloud-init accepts it, is a fact of raw bytes. With this
# file, such facts are written with U+FFFD in place of what is not UTF-8, with null in place of a
# number that JSON does not have, and without what is nested too deeply. The run itself sees them
# unchanged. Facter loads this file with the custom facts of a run (FACTERLIB).
if defined?(Puppet::Node::Facts::Json)
  Puppet::Node::Facts::Json.prepend(Module.new do
    private

    def to_json(facts)
      super
    rescue StandardError
      Puppet::Util::Json.dump(miyamoto_valid(facts.to_data_hash, []))
    end

    def miyamoto_valid(value, path, depth = 0)
      # Puppet writes 100 levels. The reported facts have fewer (fact-limits.ts).
      return '(not sent: nested too deeply)' if depth > 90
      case value
      when Hash
        value.to_h { |name, inner| [miyamoto_valid(name, path), miyamoto_valid(inner, path + [name], depth + 1)] }
      when Array then value.map { |inner| miyamoto_valid(inner, path, depth + 1) }
      when String then value.dup.force_encoding(Encoding::UTF_8).scrub("\uFFFD")
      when Float then value.finite? ? value : miyamoto_null(value, path)
      else value
      end
    end

    def miyamoto_null(value, path)
      Puppet.warning("fact #{path.drop(1).join('.')} is #{value}, which JSON does not have: null is reported")
      nil
    end
  end)
end
