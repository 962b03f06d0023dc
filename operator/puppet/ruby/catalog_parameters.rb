# frozen_string_literal: true

# A catalog as plain data that can be compared: {reference => {parameter => value}}. Secrets are
# marks, paths of this machine are names, and a source is followed by the digest of what it holds.
require 'openssl'

class CatalogParameters
  RELATIONS = %w[require before notify subscribe].freeze
  NAMES = %w[name path].freeze # often the title once more

  def initialize(environment, places, salt)
    @environment = environment
    @places = places
    @salt = salt
    @digests = {}
  end

  # A host does not apply virtual resources.
  def of(catalog)
    applied = catalog.resources.reject(&:virtual?)
    applied.map { |resource| [clean(resource.ref), parameters(resource)] }.sort_by(&:first).to_h
  end

  # Valid UTF-8, with names in place of the directories of this comparison.
  def clean(text)
    text = text.to_s.dup.force_encoding(Encoding::UTF_8).scrub
    @places.each { |path, name| text = text.gsub(path, name) }
    text
  end

  private

  def parameters(resource)
    secret = resource.sensitive_parameters.map(&:to_s)
    secret << 'content' if resource[:show_diff].to_s == 'false'
    resource.to_hash.map { |name, value| [name.to_s, value] }.sort_by(&:first).to_h do |name, value|
      value = plain(value)
      value = Array(value).sort_by(&:to_s) if RELATIONS.include?(name)
      value = sourced(value) if name == 'source'
      [name, secret.include?(name) ? mask(value) : value]
    end.reject { |name, value| NAMES.include?(name) && value == resource.title }
  end

  def plain(value)
    case value
    when String then value.encoding == Encoding::BINARY ? binary(value) : clean(value)
    when Integer, true, false, nil then value
    when Float then value.finite? ? value : value.to_s
    when Symbol then value.to_s
    when Array then value.map { |item| plain(item) }
    when Hash then value.map { |key, item| [clean(key), plain(item)] }.sort_by(&:first).to_h
    when Puppet::Resource then clean(value.ref)
    when Puppet::Pops::Types::PSensitiveType::Sensitive then mask(plain(value.unwrap))
    else rich(value)
    end
  end

  def rich(value)
    plain(Puppet::Pops::Serialization::ToDataConverter.convert(value, rich_data: true, symbol_as_string: true))
  end

  def binary(bytes)
    text = bytes.dup.force_encoding(Encoding::UTF_8)
    text.valid_encoding? ? clean(text) : "(binary #{Digest::SHA256.hexdigest(bytes)[0, 16]})"
  end

  def mask(value)
    "(secret #{OpenSSL::HMAC.hexdigest('SHA256', @salt, JSON.generate(value))[0, 12]})"
  end

  # Of several sources, the first that exists is the one that a host copies.
  def sourced(value)
    Array(value).each do |url|
      module_name, path = url.to_s[%r{\Apuppet://[^/]*/modules/(.*)\z}, 1]&.split('/', 2)
      file = module_name && @environment.module(module_name)&.file(path)
      return "#{url} (sha256 #{@digests[file] ||= digest(file)})" if file && File.exist?(file)
    end
    value
  end

  def digest(path)
    return Digest::SHA256.file(path).hexdigest[0, 16] if File.file?(path)
    names = Dir.glob('**/*', File::FNM_DOTMATCH, base: path).sort
    files = names.select { |name| File.file?(File.join(path, name)) }
    Digest::SHA256.hexdigest(files.map { |name| "#{name} #{digest(File.join(path, name))}" }.join("\n"))[0, 16]
  end
end
