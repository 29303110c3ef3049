import hackbook as hb

# branch 1: begin with the model as it was before the first step
run = hb.fit(model, splits, epochs=3, learning_rate=0.01, batch_size=64, seed=0, schedule='constant', clip=1.0, moves=[
    (2, 'dropout', 0.4),
    (2, 'l2', 0.001),
    (5, 'batch_size', 32),
    (5, 'learning_rate', 0.02),
])
