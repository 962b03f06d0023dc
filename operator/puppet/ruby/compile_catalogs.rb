# frozen_string_literal: true

# Compiles the catalogs of many hosts in one environment and applies none of them. The request:
#   environmentPath, environment  where the environment is, and its name
#   manifest          nil, or what to compile in place of the environment's own manifest
#   privateDirectory  for Puppet's own files; the same path for both sides of a comparison
#   salt              of this comparison: equal secrets have equal marks, which nobody can guess
#   now               seconds since 1970: the clock stands still, so that time makes no difference
#   facts, hosts      a file, and [certname, offset, length] of each host's facts document in it
#   catalogs          a new file for the results
# The answers: {puppet}, its version; then for each host either {digest, offset, length} of its
# catalog in that file, or {error}; both with the stand-ins that were used (host_stand_ins.rb).
require_relative 'answers'
request = Answers.request
require 'digest'
require 'fileutils'
require 'puppet'
require_relative 'host_stand_ins'
require_relative 'catalog_compiler'

private_directory = request['privateDirectory']
FileUtils.mkdir_p(private_directory)
ENV['TMPDIR'] = private_directory
names = %w[conf var code log run public]
Puppet.initialize_settings(names.map { |name| "--#{name}dir=#{private_directory}/#{name}" })
Puppet[:diff_args] = '-u' # its default asks Facter for the facts of this machine
Puppet::Util::Log.level = :emerg # messages that nobody reads would stay in memory
compiler = CatalogCompiler.new(request)

File.open(request['facts'], 'rb') do |facts|
  File.open(request['catalogs'], File::WRONLY | File::CREAT | File::EXCL, 0o600) do |catalogs|
    Answers.say({ puppet: Puppet.version })
    request['hosts'].each do |certname, offset, length|
      answer = compiler.host(certname, JSON.parse(facts.pread(length, offset), max_nesting: 200)['facts'])
      catalog = answer.delete(:catalog)
      if catalog
        text = JSON.generate(catalog)
        answer[:digest] = Digest::SHA256.hexdigest(text)
        answer[:offset] = catalogs.pos
        answer[:length] = text.bytesize
        catalogs.write(text)
        catalogs.flush
      end
      Answers.say(answer)
    end
  end
end
Answers.done
