"""SFT and DPO on chosen rows: the step, the process, its worker, tokenised rows, callbacks, launch."""
