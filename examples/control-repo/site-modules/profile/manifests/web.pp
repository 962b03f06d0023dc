# One configuration file for each site.
#
# @param sites  host names
class profile::web (
  Array[String[1]] $sites,
) {
  $directory = "${profile::base::root}/etc/sites"

  file { $directory:
    ensure  => directory,
    purge   => true,
    recurse => true,
  }

  $sites.each |$site| {
    file { "${directory}/${site}.conf":
      ensure  => file,
      mode    => '0644',
      content => "server_name ${site};\nroot /srv/${site};\n",
    }
  }
}
