# frozen_string_literal: true

# Syntax errors of Ruby and of ERB templates. Both are compiled and never run: a BEGIN block runs
# when code is loaded, not when it is compiled.
require 'erb'
require 'ripper'

module Gates
  module RubySyntax
    # Finds where an error is: the compiler's message has the line only.
    class Places < Ripper
      attr_reader :found

      def initialize(*)
        super
        @found = []
      end

      # One wrong token causes errors on the next lines, too. The first error counts.
      def add(message)
        @found << [lineno, column, message.to_s]
      end

      %i[parse_error alias_error assign_error class_name_error param_error].each do |name|
        define_method(:"on_#{name}") { |message, *| add(message) }
      end
      alias compile_error add
    end

    # The text may be in any encoding that its first comment names.
    def self.problems(text, path)
      RubyVM::InstructionSequence.compile(text, path, path)
      []
    rescue SyntaxError => e
      line, bytes, message = place(text) || [line_in(e, 0), nil, message_in(e)]
      before = bytes && text.lines[line - 1].to_s.byteslice(0, bytes)
      [Problem.new('error', line, before && (before.scrub.length + 1), message)]
    end

    # As Puppet compiles a template. ERB puts one line before the first line of the template.
    def self.template_problems(text, path)
      source = ERB.new(text, trim_mode: '-').src
      RubyVM::InstructionSequence.compile(source, path, path)
      []
    rescue SyntaxError => e
      line, bytes, message = place(source) || [line_in(e, 0), nil, message_in(e)]
      column = bytes && column_in(text.lines[line - 2].to_s, source.lines[line - 1].to_s, bytes)
      [Problem.new('error', line && [line - 1, 1].max, column, message)]
    end

    def self.place(text)
      places = Places.new(text)
      places.parse
      places.found.first
    end

    # The place in the template of that byte of the Ruby code.
    def self.column_in(template_line, code_line, bytes)
      rest = code_line.byteslice(bytes..-1).to_s.scrub.chomp
      rest.length.downto(1) do |length|
        at = template_line.rindex(rest[0, length])
        return at + 1 if at
      end
      nil
    end

    def self.line_in(error, default)
      line = error.message[/:(\d+): /, 1]
      line ? line.to_i : default
    end

    # "path:3: message", and since Ruby 3.4 lines such as "    | ^~~ message".
    def self.message_in(error)
      error.message[/^ *\| +\^\S* (.+)$/, 1] || error.message.lines.first.to_s.sub(/\A.*?:\d+: /, '').strip
    end

    private_class_method :place, :column_in, :line_in, :message_in
  end
end
