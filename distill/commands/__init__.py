"""One command a module, each with `main(arguments) -> exit status`."""

# A command's module is imported when it is called: `distill --help` must not wait for torch.
COMMANDS = {
    "init": "write a recipe for a folder of pictures and a teacher's file",
    "run": "run a recipe",
    "sweep": "run a recipe for every size of student, and draw score against cost",
    "evaluate": "score a file on a recipe's test pictures",
    "inspect": "find what a black box wants, by its file and by measuring",
    "export": "write a run's student in more formats, each scored in its runtime",
    "predict": "write what a student sees in a folder of pictures",
    "push": "push a run to the Hugging Face hub",
    "store": "keep a teacher's answers to learn from again and again",
    "gallery": "enroll people from photographs, and look others up among them",
    "leaks": "find the pictures that two folders share",
    "bench": "compare speeds side by side",
    "audit": "recompute the cost tables of the MobileNets paper",
    "cost": "say what a network costs, layer by layer",
    "completion": "let a shell complete commands, recipes and keys",
}
