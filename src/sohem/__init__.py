"""S-OHEM: Stratified Online Hard Example Mining for Object Detection (Li et al. 2017), replicated."""
