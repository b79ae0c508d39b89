"""What a long run needs: trainer, checkpoints, command line, devices, report."""
