# One role for every node; a real repository chooses it by a fact.
node default {
  include role::web
}
