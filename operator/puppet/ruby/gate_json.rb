# frozen_string_literal: true

# Where a text is not JSON. Most versions of Ruby's reader quote what they read last and name no
# line, so this follows the grammar of RFC 8259 up to the first wrong token.
require 'strscan'

module Gates
  class JsonPlace
    STRING = /"(?:[^"\\]|\\.)*+"/m.freeze
    SCALAR = /#{STRING}|-?[\d.eE+-]+|true|false|null|NaN|-?Infinity/.freeze
    WANTED = {
      value: 'a value', first_value: 'a value or "]"', key: 'a key in double quotes',
      first_key: 'a key in double quotes or "}"', colon: '":"', list: '"," or "]"', map: '"," or "}"',
      end: 'nothing more'
    }.freeze
    CLOSING = { list: ']', map: '}', first_value: ']', first_key: '}' }.freeze

    def self.problem(error, text)
      wanted, at = new(text).find
      return Problem.new('error', nil, nil, error.message) unless wanted

      before = text.byteslice(0, at)
      found = text.byteslice(at..-1)[/\A\S{1,20}/] || 'the end'
      column = before.length - (before.rindex("\n") || -1)
      Problem.new('error', before.count("\n") + 1, column, "wanted #{wanted}, found #{found}")
    end

    def initialize(text)
      @text = StringScanner.new(text)
      @open = [] # :list and :map
      @state = :value
    end

    # The expected token and the offset in bytes; nil when the text follows the grammar.
    def find
      loop do
        @text.skip(%r{(\s|/\*.*?\*/|//[^\n]*)+}m)
        return if @state == :end && @text.eos?

        at = @text.pos
        wanted = WANTED[@state]
        return [wanted, at] unless step
      end
    end

    private

    def step
      return close if CLOSING[@state] && @text.skip(/#{Regexp.escape(CLOSING[@state])}/)

      case @state
      when :value, :first_value then value
      when :key, :first_key then @text.skip(STRING) && (@state = :colon)
      when :colon then @text.skip(/:/) && (@state = :value)
      when :list then @text.skip(/,/) && (@state = :value)
      when :map then @text.skip(/,/) && (@state = :key)
      end
    end

    def value
      if @text.skip(/\{/)
        @open << :map
        @state = :first_key
      elsif @text.skip(/\[/)
        @open << :list
        @state = :first_value
      elsif @text.skip(SCALAR)
        @state = @open.last || :end
      end
    end

    def close
      @open.pop
      @state = @open.last || :end
    end
  end
end
