# A custom fact: Puppet loads it from the environment, and the agent reports it with the others.
Facter.add(:example_role) do
  setcode { 'web' }
end
