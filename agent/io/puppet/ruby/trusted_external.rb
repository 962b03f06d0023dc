# frozen_string_literal: true

# `puppet apply` ends without a message when `trusted_external_command` fails. With this file it
# names the program. Facter loads this file with the custom facts of a run (FACTERLIB).
if defined?(Puppet::TrustedExternal)
  Puppet::TrustedExternal.singleton_class.prepend(Module.new do
    def fetch_data(command, certname)
      super
    rescue StandardError => error
      Puppet.err("trusted_external_command: #{command}: #{error.message}")
      raise
    end
  end)
end
