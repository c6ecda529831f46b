"""What a hunt needs of the machines, stores and clusters that it uses, looked at one by one and told with a remedy."""
