"""The trusted side: knows the answers, compares, probes properties, names misconceptions."""
