# frozen_string_literal: true

# What Puppet's YAML reader refuses in a data file of Hiera. Only a syntax tree is built, so that
# aliases cost nothing however often they are nested.
require 'psych'

module Gates
  class YamlData
    # Puppet reads text, numbers, true, false, null, lists, maps and symbols, and nothing else.
    RUBY_TAG = %r{\A(!ruby/|tag:ruby\.yaml\.org,2002:)}.freeze
    SYMBOL_TAG = /sym(bol)?\z/.freeze
    # The start of what Psych reads as a date or a time.
    DATE = /\A-?\d{4}-\d/.freeze

    def self.problems(text)
      new.problems(Psych.parse(text))
    rescue Psych::SyntaxError => e
      [Problem.new('error', e.line, e.column, [e.problem, e.context].compact.join(' '))]
    end

    # Whether a map has a key that is not text: the reader would compute its hash.
    def self.odd_keys?(text)
      document = Psych.parse(text)
      document ? document.each.any? { |node| map?(node) && keys_of(node).any? { |key| !scalar?(key) } } : false
    end

    def self.map?(node)
      node.is_a?(Psych::Nodes::Mapping)
    end

    def self.scalar?(node)
      node.is_a?(Psych::Nodes::Scalar)
    end

    def self.keys_of(map)
      map.children.each_slice(2).map(&:first)
    end

    def initialize
      @problems = []
      @anchors = {}
      loader = Psych::ClassLoader::Restricted.new(%w[Symbol], [])
      @scalars = Psych::ScalarScanner.new(loader)
    end

    def problems(document)
      return [] unless document

      root = document.root
      empty = self.class.scalar?(root) && root.value.empty?
      add('warning', root, 'not a map of keys and values: Hiera reads nothing from it') unless self.class.map?(root) || empty
      nodes = [root]
      until nodes.empty?
        node = nodes.pop
        inspect_node(node)
        nodes.concat(node.children.reverse) if node.children
      end
      @problems
    end

    private

    def inspect_node(node)
      return inspect_alias(node) if node.is_a?(Psych::Nodes::Alias)

      @anchors[node.anchor] = true if node.anchor
      add('error', node, "the tag #{node.tag}: Puppet reads no Ruby objects") if ruby_object?(node)
      if self.class.scalar?(node)
        inspect_scalar(node)
      elsif self.class.map?(node)
        inspect_map(node)
      end
    end

    def ruby_object?(node)
      node.tag && node.tag.match?(RUBY_TAG) && !node.tag.match?(SYMBOL_TAG)
    end

    def inspect_alias(node)
      add('error', node, "the alias *#{node.anchor} has no anchor before it") unless @anchors[node.anchor]
    end

    def inspect_scalar(node)
      return if node.quoted || node.tag || !node.value.match?(DATE)

      @scalars.tokenize(node.value)
    rescue Psych::DisallowedClass
      add('error', node, "#{node.value} is read as a date, which Puppet refuses: put it in quotes")
    end

    # Of two equal keys the reader uses the last one, without a warning.
    def inspect_map(map)
      seen = {}
      self.class.keys_of(map).each do |key|
        next unless self.class.scalar?(key) && key.value != '<<'

        add('warning', key, "the key #{key.value} is twice in one map, also in line #{seen[key.value]}") if seen[key.value]
        seen[key.value] ||= key.start_line + 1
      end
    end

    def add(level, node, message)
      @problems << Problem.new(level, node.start_line + 1, node.start_column + 1, message)
    end
  end
end
