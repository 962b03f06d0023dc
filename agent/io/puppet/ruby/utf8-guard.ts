/**
 * Ruby that Facter loads with the custom facts of a run (FACTERLIB). Facter drops custom facts that are not UTF-8, but
 * not its own: user data of EC2 that is gzipped, as cloud-init takes it, is a fact of raw bytes, and Puppet's JSON
 * writer then fails the whole run, which would be good without us. With this, what cannot be written as it is is
 * written with U+FFFD in place of what is not UTF-8. The run itself sees its facts as they are.
 */
export const UTF8_GUARD = `if defined?(Puppet::Node::Facts::Json)
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
      when String then value.dup.force_encoding(Encoding::UTF_8).scrub("\\uFFFD")
      else value
      end
    end
  end)
end
`;
