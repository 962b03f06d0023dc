# frozen_string_literal: true

# Without the program augparse, as on a Debian without recommended packages, Facter opens Augeas to
# learn its version. That reads and compiles every lens: half a second and 30 MB in each run, 25 %
# of the CPU of a cycle (ADR 0014, 0022). Without lenses the answer is the same. Facter loads this
# file with the custom facts of a run (FACTERLIB), before it resolves any fact.
if defined?(Facter::Resolvers::Augeas)
  Facter::Resolvers::Augeas.singleton_class.prepend(Module.new do
    private

    def read_augeas_from_gem
      require 'augeas'
      return super if Gem.loaded_specs['augeas'] # another library of that name
      ::Augeas.open(nil, nil, ::Augeas::NO_MODL_AUTOLOAD) { |augeas| augeas.get('/augeas/version') }
    rescue StandardError
      super
    end
  end)
end
