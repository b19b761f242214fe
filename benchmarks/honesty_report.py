def markdown(groups): return "x"
