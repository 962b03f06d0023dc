# frozen_string_literal: true

# Loads compiled Ruby of earlier runs out of one file, the pack, instead of compiling more than a
# thousand files again. mm-agent starts Puppet with `ruby --disable=gems -r<this file>`. It works
# with every Ruby from 2.7 on.
#
# - An entry is used only if its source still has the inode, size, mtime and ctime that it had when
#   it was compiled, and if the bytes have the checksum that was noted. The pack is used only if it
#   is our own file that no other user can write, and if this same Ruby made it: same description,
#   same compile options, same shared library of its own.
# - Some code is not stored: files below NOT_BELOW, which have a new path in each run; files that
#   were changed less than 3 s ago, because the next change might keep the mtime; files that make
#   Ruby warn when it compiles them, because the warning must appear in each run.
# - Whatever goes wrong, Ruby compiles the file as it always does. A new pack is a new file that is
#   renamed. It is not synced: checksums detect half a pack.
# - At the end it loads RubyGems, as Ruby does before a program unless gems are disabled, but out of
#   the pack. It does not load did_you_mean, error_highlight and syntax_suggest, which only decorate
#   error messages.
# - Puppet appends the files that it autoloads to $LOADED_FEATURES itself. Ruby then indexes all
#   features again at the next `require`, a hundred times in a run. A `require` that loads nothing
#   makes Ruby note that one feature instead.
#
# mm-agent defines PACK and NOT_BELOW on top of its copy in the run directory.
module MiyamotoRubyCache
  MAGIC = 'mm-ruby-cache 1'
  HEAD_BYTES = 27
  MAX_BYTES = 64 * 1024 * 1024
  EMPTY = RubyVM::InstructionSequence.compile('')
  REQUIRE = Kernel.instance_method(:require)
  @entries = {}
  @fresh = {}
  @pid = Process.pid

  class << self
    attr_writer :warned

    def open_pack
      require 'zlib'
      library = $LOADED_FEATURES.find { |feature| feature.include?('/zlib.') && File.file?(feature) }
      @ruby = [RUBY_DESCRIPTION, RubyVM::InstructionSequence.compile_option.inspect, library && identity(library)]
      @io = File.open(PACK, File::RDONLY | File::NOFOLLOW | File::NONBLOCK)
      stat = @io.stat
      return unless stat.file? && stat.owned? && (stat.mode & 0o077).zero?
      magic, length, checksum = @io.pread(HEAD_BYTES, 0).unpack('a15Q>N')
      return unless magic == MAGIC && length < stat.size
      index = @io.pread(length, HEAD_BYTES)
      return unless Zlib.crc32(index) == checksum
      ruby, entries = Marshal.load(index)
      @base, @entries = HEAD_BYTES + length, entries if ruby == @ruby
    rescue StandardError
      nil
    end

    def identity(path)
      stat = File.stat(path)
      [stat.ino, stat.size, stat.mtime.to_i, stat.mtime.nsec, stat.ctime.to_i, stat.ctime.nsec]
    end

    def load_iseq(path)
      return EMPTY if path == @noted
      return unless path.start_with?('/') && !path.start_with?("#{NOT_BELOW}/")
      now = identity(path)
      stored(path, now) || compile(path, now)
    rescue StandardError, ScriptError
      nil
    end

    def stored(path, now)
      was, *where = @entries[path]
      binary = read(*where) if was == now
      binary && RubyVM::InstructionSequence.load_from_binary(binary)
    rescue StandardError
      nil
    end

    def read(offset, length, checksum)
      binary = @io.pread(length, @base + offset)
      binary if Zlib.crc32(binary) == checksum
    rescue SystemCallError, IOError
      nil
    end

    def compile(path, now)
      listen
      @warned = false
      iseq = RubyVM::InstructionSequence.compile_file(path)
      settled = Time.now.to_i - now[4] > 2
      @fresh[path] = [now, iseq.to_binary] if settled && !@warned
      iseq
    end

    def listen
      @listener ||= Warning.extend(Module.new do
        def warn(*, **)
          MiyamotoRubyCache.warned = true
          super
        end
      end)
    end

    def note_feature(path)
      return false unless path.start_with?('/') && path.end_with?('.rb')
      @noted = path
      REQUIRE.bind_call(self, path) && $LOADED_FEATURES.last == path
    rescue StandardError, ScriptError
      false
    ensure
      @noted = nil
    end

    def save
      return if @fresh.empty? || Process.pid != @pid
      offset = 0
      parts = fresh_parts
      parts.concat(kept_parts(MAX_BYTES - parts.sum { |part| part[2].bytesize }))
      entries = parts.to_h do |path, identity, binary|
        [path, [identity, (offset += binary.bytesize) - binary.bytesize, binary.bytesize, Zlib.crc32(binary)]]
      end
      write(Marshal.dump([@ruby, entries]), parts)
    rescue StandardError, ScriptError
      nil
    end

    def fresh_parts
      @fresh.map { |path, (identity, binary)| [path, identity, binary] }
    end

    # Entries of the old pack whose source has not changed.
    def kept_parts(room)
      @entries.map do |path, (identity, *where)|
        next if @fresh.key?(path) || (room -= where[1]) < 0 || !current?(path, identity)
        binary = read(*where)
        binary && [path, identity, binary]
      end.compact
    rescue StandardError
      []
    end

    def current?(path, identity)
      identity(path) == identity
    rescue SystemCallError
      false
    end

    def write(index, parts)
      new = "#{PACK}.new"
      File.unlink(new) if File.symlink?(new) || File.exist?(new)
      File.open(new, File::WRONLY | File::CREAT | File::EXCL | File::NOFOLLOW, 0o600) do |file|
        file.binmode
        file.write([MAGIC, index.bytesize, Zlib.crc32(index)].pack('a15Q>N'), index, *parts.map { |part| part[2] })
      end
      File.rename(new, PACK)
    rescue SystemCallError, IOError
      File.unlink(new) if File.file?(new)
    end
  end

  open_pack
  at_exit { save }
  class << RubyVM::InstructionSequence
    def load_iseq(path)
      MiyamotoRubyCache.load_iseq(path)
    end
  end
  class << $LOADED_FEATURES
    def <<(feature)
      MiyamotoRubyCache.note_feature(feature) ? self : super
    end
  end
rescue StandardError, ScriptError
  nil
end
begin
  require 'rubygems'
rescue LoadError
  nil
end
