"""What a program calls: a few lines each over the floors below; `import steelsight` gives these names."""
