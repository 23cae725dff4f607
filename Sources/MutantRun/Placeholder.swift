internal import Mutation
