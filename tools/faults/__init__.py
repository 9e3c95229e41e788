"""Faults met while a store is used: refused system calls, interrupts, full disks, kills."""
