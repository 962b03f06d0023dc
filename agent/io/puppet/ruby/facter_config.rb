# frozen_string_literal: true

# Lays `facts.ttl` and `facts.block` of agent.yaml over the host's own facter.conf, and gives Facter
# a cache directory. Facter inside Puppet reads only the host's file. This file is loaded by `ruby
# -r`, before Facter: Facter continues the two modules that are opened here.
#
# mm-agent defines CONFIG, a file in HOCON, and CACHE_DIRECTORY on top of its copy in the run
# directory.
module Facter
  class ConfigReader
    singleton_class.prepend(Module.new do
      def refresh_config(path)
        super
        theirs = @conf['facts'] || {}
        ours = Hocon.load(MiyamotoFacterConfig::CONFIG)['facts']
        names = ours['ttls'].flat_map(&:keys)
        @conf = @conf.merge('facts' => theirs.merge(
          'blocklist' => Array(theirs['blocklist']) | ours['blocklist'],
          'ttls' => Array(theirs['ttls']).reject { |ttl| (ttl.keys & names).any? } + ours['ttls']
        ))
      end
    end)
  end
end
module LegacyFacter
  module Util
    module Config
      @facts_cache_dir = MiyamotoFacterConfig::CACHE_DIRECTORY
    end
  end
end
