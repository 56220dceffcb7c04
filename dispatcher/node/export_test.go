package node

// Waiters is how many wait for a position of the log.
func (n *Node) Waiters() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.folded)
}
