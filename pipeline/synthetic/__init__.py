"""Everything that is drawn with exactly known truth: number plates, and a vehicle that drives up to a gate.

Training pastes drawn plates into photographs; the demo and the tests run the pipeline on the clip. No
photograph and no network is needed here.
"""
