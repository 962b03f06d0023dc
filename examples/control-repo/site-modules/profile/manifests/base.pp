# What every machine gets. Everything is below Puppet's own vardir, so that trying this out touches nothing else.
#
# @param notice  the last line of the message of the day
class profile::base (
  String[1] $notice,
) {
  $root = "${settings::vardir}/miyamoto-example"

  file { [$root, "${root}/etc"]:
    ensure => directory,
  }

  file { "${root}/etc/motd":
    ensure  => file,
    mode    => '0644',
    content => epp('profile/motd.epp', { 'notice' => $notice }),
  }
}
