# frozen_string_literal: true

# Facter drops custom facts that are not UTF-8, but keeps its own: EC2 user data that is gzipped, as
# cloud-init accepts it, is a fact of raw bytes. Puppet's JSON writer then raises, and a run fails
# that would succeed without mm-agent. With this file, facts that cannot be written as they are get
# U+FFFD in place of what is not UTF-8. The run itself sees them unchanged. Facter loads this file
# with the custom facts of a run (FACTERLIB).
if defined?(Puppet::Node::Facts::Json)
  Puppet::Node::Facts::Json.prepend(Module.new do
    private

    def to_json(facts)
      super
    rescue StandardError
      Puppet::Util::Json.dump(miyamoto_utf8(facts.to_data_hash))
    end

    def miyamoto_utf8(value)
      case value
      when Hash then value.to_h { |name, inner| [miyamoto_utf8(name), miyamoto_utf8(inner)] }
      when Array then value.map { |inner| miyamoto_utf8(inner) }
      when String then value.dup.force_encoding(Encoding::UTF_8).scrub("\uFFFD")
      else value
      end
    end
  end)
end
