"""The network, its training, evaluation and everything else that needs torch; no other room imports this one."""
