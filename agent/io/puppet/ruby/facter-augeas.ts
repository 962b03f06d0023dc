/**
 * Ruby that Facter loads with the custom facts of a run (FACTERLIB), before it resolves any fact. Where there is no
 * `augparse` to ask, as on a Debian without recommended packages, Facter opens Augeas to learn its version, and that reads
 * and compiles each lens there is: half a second and 30 MB of every run. Without lenses the answer is the same.
 */
export const AUGEAS_VERSION = `# frozen_string_literal: true
if defined?(Facter::Resolvers::Augeas)
  Facter::Resolvers::Augeas.singleton_class.prepend(Module.new do
    private

    def read_augeas_from_gem
      require 'augeas'
      return super if Gem.loaded_specs['augeas'] # another library of that name, which Facter asks otherwise
      ::Augeas.open(nil, nil, ::Augeas::NO_MODL_AUTOLOAD) { |augeas| augeas.get('/augeas/version') }
    rescue StandardError
      super
    end
  end)
end
`;
