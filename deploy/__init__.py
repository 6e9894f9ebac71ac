"""The exported model, its export command and the files that bring the program to a gate."""
